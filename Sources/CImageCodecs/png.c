#include "dis_png.h"
#include "dis_png_inflated.h"

#include <png.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/// The largest inflated size of one text or profile chunk in bytes.
enum { MAX_CHUNK_BYTES = 1 << 20 };

static void copy_message_and_jump(png_structp png, png_const_charp text) {
  char *message = png_get_error_ptr(png);
  strncpy(message, text, DIS_PNG_MESSAGE_SIZE - 1);
  message[DIS_PNG_MESSAGE_SIZE - 1] = 0;
  png_longjmp(png, 1);
}

static void ignore_warning(png_structp png, png_const_charp text) {
  (void)png;
  (void)text;
}

/// Refuses chunks that exceed MAX_CHUNK_BYTES. Other warnings of libpng do not concern the pixels,
/// but such a text or profile, which libpng would skip with one of these warnings, was made to do
/// harm. For a profile that is too long, libpng 1.6.39 reports that it exceeds the limits, and
/// 1.6.48 that it is too long.
static void refuse_bomb(png_structp png, png_const_charp text) {
  static const char *const warnings[] = {
      "truncated", "exceeds application limits", "profile too long"};
  for (size_t i = 0; i < sizeof warnings / sizeof *warnings; i++) {
    if (strstr(text, warnings[i])) png_error(png, text);
  }
}

/// The bytes not yet read.
typedef struct {
  const uint8_t *bytes;
  size_t count;
  /// What is read in place of the IDAT chunks, if its stream is not null, and how much of it was.
  dis_png_inflated inflated;
  size_t inflated_read;
} source;

static void read_bytes(png_structp png, png_bytep out, size_t count) {
  source *rest = png_get_io_ptr(png);
  if (count > rest->count) png_error(png, DIS_PNG_TRUNCATED);
  memcpy(out, rest->bytes, count);
  rest->bytes += count;
  rest->count -= count;
  // libpng allocates and clears the whole length of some chunks before it reads them.
  bool is_header = (png_get_io_state(png) & PNG_IO_MASK_LOC) == PNG_IO_CHUNK_HDR;
  if (is_header && count == 8 && png_get_uint_32(out) > rest->count) {
    png_error(png, DIS_PNG_TRUNCATED);
  }
}

/// The number of samples per pixel that are decoded.
static int channels(png_structp png, png_infop info) {
  return png_get_color_type(png, info) & PNG_COLOR_MASK_COLOR ? 3 : 1;
}

/// Reads the inflated stream as two IDAT chunks without CRCs: the first has the length that libpng
/// has read from the file, and the second has the rest.
static void read_inflated(png_structp png, png_bytep out, size_t count) {
  source *rest = png_get_io_ptr(png);
  size_t left = rest->inflated.stream_count - rest->inflated_read;
  switch (png_get_io_state(png) & PNG_IO_MASK_LOC) {
    case PNG_IO_CHUNK_HDR:
      png_save_uint_32(out, (png_uint_32)left);
      memcpy(out + 4, "IDAT", 4);
      break;
    case PNG_IO_CHUNK_DATA:
      if (count > left) png_error(png, DIS_PNG_TRUNCATED);
      memcpy(out, rest->inflated.stream + rest->inflated_read, count);
      rest->inflated_read += count;
      break;
    default: memset(out, 0, count);
  }
}

/// Inflates the pixels without libpng if possible, and lets libpng read them from memory. It has
/// read the header of the first IDAT chunk.
static void begin_inflated(png_structp png, png_infop info, uint8_t *pixels, source *rest) {
  if (png_get_interlace_type(png, info) != PNG_INTERLACE_NONE) return;
  size_t height = png_get_image_height(png, info);
  size_t room = height * png_get_image_width(png, info) * channels(png, info);
  size_t size = height * (1 + png_get_rowbytes(png, info));
  enum { HEADER = 8 };
  if (!dis_png_inflate(
          &rest->inflated, rest->bytes - HEADER, rest->count + HEADER, size, pixels, room)) {
    return;
  }
  rest->bytes += rest->inflated.chunks_count - HEADER;
  rest->count -= rest->inflated.chunks_count - HEADER;
  png_set_read_fn(png, rest, read_inflated);
  // These checksums were compared.
  png_set_crc_action(png, PNG_CRC_QUIET_USE, PNG_CRC_ERROR_QUIT);
  png_set_option(png, PNG_IGNORE_ADLER32, PNG_OPTION_ON);
}

/// Lets libpng read the rest of the file as usual.
static void end_inflated(png_structp png, source *rest) {
  png_set_read_fn(png, rest, read_bytes);
  png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
  png_set_option(png, PNG_IGNORE_ADLER32, PNG_OPTION_OFF);
}

/// Replaces the indices in the first `count` of `3 * count` bytes by their colours, starting at the
/// end so that no index is overwritten before it is read.
static void expand_palette(
    png_structp png, uint8_t *pixels, size_t count, const png_color *palette, int colors) {
  for (size_t i = count; i-- > 0;) {
    int index = pixels[i];
    if (index >= colors) png_error(png, "a pixel's palette index is out of range");
    pixels[3 * i] = palette[index].red;
    pixels[3 * i + 1] = palette[index].green;
    pixels[3 * i + 2] = palette[index].blue;
  }
}

static void read_pixels(png_structp png, png_infop info, uint8_t *pixels, source *rest) {
  uint32_t width = png_get_image_width(png, info), height = png_get_image_height(png, info);
  int type = png_get_color_type(png, info);
  png_set_strip_16(png);
  png_set_strip_alpha(png);
  if (type == PNG_COLOR_TYPE_GRAY) png_set_expand_gray_1_2_4_to_8(png);
  // libpng replaces indices without a colour by zeros; expanded here, they are refused.
  if (type == PNG_COLOR_TYPE_PALETTE) png_set_packing(png);
  int passes = png_set_interlace_handling(png);
  png_read_update_info(png, info);
  size_t row_bytes = png_get_rowbytes(png, info);
  for (int pass = 0; pass < passes; pass++) {
    for (uint32_t y = 0; y < height; y++) png_read_row(png, pixels + y * row_bytes, NULL);
  }
  if (rest->inflated.stream) end_inflated(png, rest);
  png_read_end(png, NULL);
  if (type == PNG_COLOR_TYPE_PALETTE) {
    png_colorp palette = NULL;
    int colors = 0;
    png_get_PLTE(png, info, &palette, &colors);
    expand_palette(png, pixels, (size_t)width * height, palette, colors);
  }
}

/// What is read of a file: the header or, if that is null, the pixels.
typedef struct {
  dis_png_header *header;
  uint8_t *pixels;
  bool by_libpng_alone;
} wanted;

/// Returns whether libpng reports no error. Its longjmp ends here.
static bool read_file(png_structp png, png_infop info, source *rest, const wanted *out) {
  if (setjmp(png_jmpbuf(png))) return false;
  png_set_read_fn(png, rest, read_bytes);
  png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
  png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);  // The caller's limits are lower.
  png_set_chunk_malloc_max(png, MAX_CHUNK_BYTES);
  png_read_info(png, info);
  if (out->header) {
    out->header->width = png_get_image_width(png, info);
    out->header->height = png_get_image_height(png, info);
    out->header->bit_depth = png_get_bit_depth(png, info);
    out->header->channels = channels(png, info);
    out->header->has_alpha = png_get_color_type(png, info) & PNG_COLOR_MASK_ALPHA;
    out->header->has_transparent_color = png_get_valid(png, info, PNG_INFO_tRNS) != 0;
  } else {
    if (!out->by_libpng_alone) begin_inflated(png, info, out->pixels, rest);
    read_pixels(png, info, out->pixels, rest);
  }
  return true;
}

static int read_png(wanted out, const uint8_t *bytes, size_t count, char *message) {
  png_structp png = png_create_read_struct(
      PNG_LIBPNG_VER_STRING, message, copy_message_and_jump, refuse_bomb);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  if (!info) {
    png_destroy_read_struct(&png, NULL, NULL);
    strcpy(message, "no memory for libpng");
    return -1;
  }
  source rest = {.bytes = bytes, .count = count};
  bool is_read = read_file(png, info, &rest, &out);
  free(rest.inflated.stream);
  png_destroy_read_struct(&png, &info, NULL);
  return is_read ? 0 : -1;
}

int dis_png_read_header(dis_png_header *header, const uint8_t *png, size_t count, char *message) {
  return read_png((wanted){.header = header}, png, count, message);
}

int dis_png_decode(
    uint8_t *pixels, const uint8_t *png, size_t count, bool by_libpng_alone, char *message) {
  wanted out = {.pixels = pixels, .by_libpng_alone = by_libpng_alone};
  return read_png(out, png, count, message);
}

/// The destination of encoded bytes.
typedef struct {
  dis_png_sink *sink;
  void *context;
} destination;

static void write_bytes(png_structp png, png_bytep bytes, size_t count) {
  destination *to = png_get_io_ptr(png);
  to->sink(to->context, bytes, count);
}

static void flush(png_structp png) { (void)png; }

int dis_png_encode(
    dis_png_sink *sink, void *context, const uint8_t *pixels, uint32_t width, uint32_t height,
    int channels, char *message) {
  png_structp png = png_create_write_struct(
      PNG_LIBPNG_VER_STRING, message, copy_message_and_jump, ignore_warning);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  if (!info) {
    png_destroy_write_struct(&png, NULL);
    strcpy(message, "no memory for libpng");
    return -1;
  }
  destination to = {sink, context};
  if (setjmp(png_jmpbuf(png))) {
    png_destroy_write_struct(&png, &info);
    return -1;
  }
  png_set_write_fn(png, &to, write_bytes, flush);
  png_set_IHDR(
      png, info, width, height, 8, channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY,
      PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, info);
  for (uint32_t y = 0; y < height; y++) {
    png_write_row(png, pixels + (size_t)y * width * channels);
  }
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return 0;
}
