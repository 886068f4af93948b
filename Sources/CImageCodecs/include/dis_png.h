#ifndef DIS_PNG_H
#define DIS_PNG_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// PNG in memory through libpng. libpng reports errors by longjmp; these functions contain it. They
// return 0 on success. On failure, they return -1 and copy libpng's message into `message`.

/// The size of `message` in bytes, including the terminator.
#define DIS_PNG_MESSAGE_SIZE 128

/// The message if the bytes end before the image is complete.
#define DIS_PNG_TRUNCATED "the bytes end early"

/// The information in the chunks before the first IDAT.
typedef struct {
  uint32_t width;
  uint32_t height;
  /// The number of bits per sample in the file: 1, 2, 4, 8 or 16.
  int bit_depth;
  /// The number of samples per pixel that dis_png_decode writes: 1 (grey) or 3 (RGB, also for a
  /// palette).
  int channels;
  /// Whether the file has an alpha channel, which is dropped.
  bool has_alpha;
  /// Whether the file declares a transparent colour or the opacity of its palette, which is
  /// ignored.
  bool has_transparent_color;
} dis_png_header;

/// Reads the header of the `count` bytes at `png`. The memory used does not grow with the image.
int dis_png_read_header(dis_png_header *header, const uint8_t *png, size_t count, char *message);

/// Decodes the `count` bytes at `png` into `height * width * channels` bytes, [H, W, C], with the
/// extents given by dis_png_read_header.
///
/// The samples are those of Pillow's `convert("RGB")`: 1, 2 and 4 bits are scaled to the full
/// range, of 16 bits the high byte is kept, alpha and tRNS are dropped without blending, gamma and
/// profiles are ignored. Every chunk's CRC must be correct and IEND must be present; bytes after
/// IEND are ignored.
///
/// The pixels of most files are inflated by libdeflate, see dis_png_inflate, and the result is the
/// same. `by_libpng_alone` leaves this out, so that tests can compare the two.
int dis_png_decode(
    uint8_t *pixels, const uint8_t *png, size_t count, bool by_libpng_alone, char *message);

/// Receives the next `count` bytes of an encoded file.
typedef void dis_png_sink(void *context, const uint8_t *bytes, size_t count);

/// Encodes an 8-bit image of 1 or 3 channels. The bytes depend only on the pixels and on the
/// versions of libpng and zlib.
int dis_png_encode(
    dis_png_sink *sink, void *context, const uint8_t *pixels, uint32_t width, uint32_t height,
    int channels, char *message);

#endif
