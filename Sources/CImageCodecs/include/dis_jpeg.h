#ifndef DIS_JPEG_H
#define DIS_JPEG_H
#include <stddef.h>
#include <stdint.h>

// JPEG in memory through libjpeg-turbo. libjpeg reports errors by longjmp; these functions contain
// it. On failure, they copy libjpeg's message into `message`.

/// The size of `message` in bytes, including the terminator: libjpeg's JMSG_LENGTH_MAX.
#define DIS_JPEG_MESSAGE_SIZE 200

/// The largest number of scans that is decoded. Encoders write up to about a dozen, and each costs
/// a pass over the whole image, however few bytes it has.
#define DIS_JPEG_MAX_SCANS 100

/// The result of a call.
typedef enum {
  DIS_JPEG_OK,
  /// The data violate the format, or libjpeg warned of corrupt data.
  DIS_JPEG_MALFORMED,
  /// The bytes, or the scans of a progressive image, end before the image is complete.
  DIS_JPEG_TRUNCATED,
  /// The image has more than 65500 columns or rows, or more than DIS_JPEG_MAX_SCANS scans.
  DIS_JPEG_TOO_LARGE,
  /// A kind of JPEG that is not supported: 12 bits, lossless, hierarchical, 2 or 5 channels.
  DIS_JPEG_UNSUPPORTED,
  DIS_JPEG_NO_MEMORY,
} dis_jpeg_status;

/// The information in the markers before the first scan.
typedef struct {
  uint32_t width;
  uint32_t height;
  /// The number of samples per pixel that dis_jpeg_decode writes: 1 (grey) or 3 (RGB, also for
  /// CMYK).
  int channels;
  /// The smallest number of bytes that can hold this image, because Huffman codes take at least one
  /// bit per block. 0 for arithmetic coding.
  uint64_t least_bytes;
} dis_jpeg_header;

/// Reads the header of the `count` bytes at `jpeg`. The memory used does not grow with the image.
dis_jpeg_status dis_jpeg_read_header(
    dis_jpeg_header *header, const uint8_t *jpeg, size_t count, char *message);

/// Decodes the `count` bytes at `jpeg` into `height * width * channels` bytes, [H, W, C], with the
/// extents given by dis_jpeg_read_header.
///
/// The samples are those of Pillow's `convert("RGB")`: accurate integer DCT, smooth upsampling of
/// chroma, CMYK read as inverted whether or not Adobe wrote it, orientation and profiles ignored.
/// All scans and EOI must be present; bytes after EOI are ignored.
dis_jpeg_status dis_jpeg_decode(
    uint8_t *pixels, const uint8_t *jpeg, size_t count, char *message);

#endif
