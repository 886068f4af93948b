#include "dis_png_inflated.h"

#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

/// The most bytes that are inflated at once, so that the memory is limited. libpng inflates larger
/// images row by row.
enum { MAX_SIZE = 1 << 26 };
/// The most bytes of a stored block.
enum { MAX_BLOCK = 65535 };
/// The bytes that a zlib stream, a stored block and a chunk take besides their content.
enum { ZLIB_HEADER = 2, ADLER = 4, BLOCK_HEADER = 5, CHUNK_HEADER = 8, CHUNK_FRAME = 12 };

static uint32_t big_endian(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
}

/// Copies the content of the IDAT chunks to `data`, and sets `chunks_count` to the bytes they take.
/// Returns the number of bytes copied, or 0 if a chunk is cut, has a wrong CRC or has no room.
static size_t gather(
    uint8_t *data, size_t capacity, const uint8_t *bytes, size_t count, size_t *chunks_count) {
  size_t at = 0, gathered = 0;
  while (count - at >= CHUNK_FRAME && memcmp(bytes + at + 4, "IDAT", 4) == 0) {
    size_t length = big_endian(bytes + at);
    if (length > count - at - CHUNK_FRAME || length > capacity - gathered) return 0;
    const uint8_t *content = bytes + at + CHUNK_HEADER;
    // The CRC is that of the name and the content.
    if (libdeflate_crc32(0, content - 4, length + 4) != big_endian(content + length)) return 0;
    memcpy(data + gathered, content, length);
    gathered += length;
    at += CHUNK_FRAME + length;
  }
  *chunks_count = at;
  return gathered;
}

/// Whether the window that the header of a zlib stream declares is certain to be large enough.
/// zlib refuses a match that reaches back further, and libdeflate does not.
static bool has_window(const uint8_t *stream, size_t size) {
  int bits = 8 + (stream[0] >> 4);
  return bits >= 15 || size <= (size_t)1 << bits;
}

/// Inflates a whole zlib stream of exactly `size` bytes and checks its Adler-32.
static bool inflate_stream(uint8_t *out, size_t size, const uint8_t *stream, size_t count) {
  struct libdeflate_decompressor *decompressor = libdeflate_alloc_decompressor();
  if (!decompressor) return false;
  size_t consumed = 0;
  enum libdeflate_result result = libdeflate_zlib_decompress_ex(
      decompressor, stream, count, out, size, &consumed, NULL);
  libdeflate_free_decompressor(decompressor);
  return result == LIBDEFLATE_SUCCESS && consumed == count;
}

/// Writes bytes as stored blocks, and returns where they end. The bytes may lie behind `to` in the
/// same memory, by the length of the headers of all blocks: none is overwritten before it is moved.
static uint8_t *write_blocks(uint8_t *to, const uint8_t *bytes, size_t size) {
  while (size > 0) {
    size_t length = size < MAX_BLOCK ? size : MAX_BLOCK;
    size -= length;
    memmove(to + BLOCK_HEADER, bytes, length);
    bytes += length;
    to[0] = size == 0;  // Whether this is the last block, and the type 0: stored.
    to[1] = (uint8_t)length;
    to[2] = (uint8_t)(length >> 8);
    to[3] = (uint8_t)~to[1];
    to[4] = (uint8_t)~to[2];
    to += BLOCK_HEADER + length;
  }
  return to;
}

bool dis_png_inflate(
    dis_png_inflated *result, const uint8_t *bytes, size_t count, size_t size, uint8_t *scratch,
    size_t scratch_count) {
  result->stream = NULL;
  if (size > MAX_SIZE) return false;
  size_t headers = BLOCK_HEADER * ((size + MAX_BLOCK - 1) / MAX_BLOCK);
  size_t stream_count = ZLIB_HEADER + headers + size + ADLER;
  // The new stream must not be shorter than the first chunk, whose length libpng has read.
  size_t capacity = stream_count < scratch_count ? stream_count : scratch_count;
  size_t gathered = gather(scratch, capacity, bytes, count, &result->chunks_count);
  if (gathered < ZLIB_HEADER + ADLER || !has_window(scratch, size)) return false;

  uint8_t *stream = malloc(stream_count);
  if (!stream) return false;
  uint8_t *inflated = stream + ZLIB_HEADER + headers;
  if (!inflate_stream(inflated, size, scratch, gathered)) {
    free(stream);
    return false;
  }
  memcpy(stream, "\x78\x01", ZLIB_HEADER);
  uint8_t *end = write_blocks(stream + ZLIB_HEADER, inflated, size);
  memcpy(end, scratch + gathered - ADLER, ADLER);
  result->stream = stream;
  result->stream_count = stream_count;
  return true;
}
