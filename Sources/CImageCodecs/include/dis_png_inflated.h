#ifndef DIS_PNG_INFLATED_H
#define DIS_PNG_INFLATED_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// The pixels of a PNG file, inflated by libdeflate, which takes half the time of zlib.
typedef struct {
  /// The filtered rows as a zlib stream of stored blocks, which zlib only has to copy. It is null,
  /// or the caller frees it.
  uint8_t *stream;
  size_t stream_count;
  /// The number of bytes of the file that the IDAT chunks take.
  size_t chunks_count;
} dis_png_inflated;

/// Inflates consecutive IDAT chunks without libpng, and checks their CRCs and the Adler-32.
///
/// Returns false, with a null stream, if the chunks do not hold exactly one zlib stream of `size`
/// bytes, if anything is damaged or unusual, if the image is large, or if there is no memory. Then
/// libpng reads the file itself, or says what is wrong with it.
///
/// libdeflate inflates some streams that zlib refuses, such as one whose code lengths exceed the
/// number that it announces. No encoder writes them, and all checksums must be right even so.
///
/// - `bytes`: Begins with the header of the first IDAT chunk.
/// - `scratch`: Room for the compressed bytes. If they take more, the result is false.
bool dis_png_inflate(
    dis_png_inflated *result, const uint8_t *bytes, size_t count, size_t size, uint8_t *scratch,
    size_t scratch_count);

#endif
