#ifndef DIS_JPEG_H
#define DIS_JPEG_H
#include <stddef.h>
#include <stdint.h>

// JPEG in memory through libjpeg-turbo. libjpeg reports errors by longjmp; these functions contain
// it. On failure they copy libjpeg's words into `message`.

/// The bytes of `message`, terminator included: libjpeg's JMSG_LENGTH_MAX.
#define DIS_JPEG_MESSAGE_SIZE 200

/// The most scans that are decoded. Encoders write up to about a dozen; each costs a pass over the
/// whole image, however few bytes it has.
#define DIS_JPEG_MAX_SCANS 100

/// What came of a call.
typedef enum {
  DIS_JPEG_OK,
  /// Not what the format allows, or libjpeg warned of corrupt data.
  DIS_JPEG_MALFORMED,
  /// The bytes, or the scans of a progressive image, end before the image does.
  DIS_JPEG_TRUNCATED,
  /// More than 65500 columns or rows, or than DIS_JPEG_MAX_SCANS scans.
  DIS_JPEG_TOO_LARGE,
  /// A kind of JPEG that is not decoded: 12 bits, lossless, hierarchical, 2 or 5 channels.
  DIS_JPEG_UNSUPPORTED,
  DIS_JPEG_NO_MEMORY,
} dis_jpeg_status;

/// What the markers before the first scan say.
typedef struct {
  uint32_t width;
  uint32_t height;
  /// Samples per pixel that dis_jpeg_decode writes: 1 (grey) or 3 (RGB, from CMYK as well).
  int channels;
  /// The fewest bytes that can hold this image: Huffman codes take a bit for each block at least.
  /// 0 for arithmetic coding.
  uint64_t least_bytes;
} dis_jpeg_header;

/// Reads the header of the `count` bytes at `jpeg`. Allocates nothing that grows with the image.
dis_jpeg_status dis_jpeg_read_header(
    dis_jpeg_header *header, const uint8_t *jpeg, size_t count, char *message);

/// Decodes the `count` bytes at `jpeg` into `height * width * channels` bytes, rows top to bottom,
/// channel fastest, with the extents of dis_jpeg_read_header.
///
/// The samples are those of Pillow's `convert("RGB")`: accurate integer DCT, smooth upsampling of
/// chroma, CMYK taken as inverted whether or not Adobe wrote it, orientation and profiles ignored.
/// All scans and EOI must be there; bytes after it are ignored.
dis_jpeg_status dis_jpeg_decode(
    uint8_t *pixels, const uint8_t *jpeg, size_t count, char *message);

#endif
