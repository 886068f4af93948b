#include "dis_png.h"

#include <png.h>
#include <stdbool.h>
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

static void read_pixels(png_structp png, png_infop info, uint8_t *pixels) {
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
  png_read_end(png, NULL);
  if (type == PNG_COLOR_TYPE_PALETTE) {
    png_colorp palette = NULL;
    int colors = 0;
    png_get_PLTE(png, info, &palette, &colors);
    expand_palette(png, pixels, (size_t)width * height, palette, colors);
  }
}

/// Reads the header into `header` or, if that is null, the image into `pixels`.
static int read_png(
    dis_png_header *header, uint8_t *pixels, const uint8_t *bytes, size_t count, char *message) {
  png_structp png = png_create_read_struct(
      PNG_LIBPNG_VER_STRING, message, copy_message_and_jump, refuse_bomb);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  if (!info) {
    png_destroy_read_struct(&png, NULL, NULL);
    strcpy(message, "no memory for libpng");
    return -1;
  }
  source rest = {bytes, count};
  if (setjmp(png_jmpbuf(png))) {
    png_destroy_read_struct(&png, &info, NULL);
    return -1;
  }
  png_set_read_fn(png, &rest, read_bytes);
  png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
  png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);  // The caller's limits are lower.
  png_set_chunk_malloc_max(png, MAX_CHUNK_BYTES);
  png_read_info(png, info);
  if (header) {
    header->width = png_get_image_width(png, info);
    header->height = png_get_image_height(png, info);
    header->bit_depth = png_get_bit_depth(png, info);
    header->channels = png_get_color_type(png, info) & PNG_COLOR_MASK_COLOR ? 3 : 1;
    header->has_alpha = png_get_color_type(png, info) & PNG_COLOR_MASK_ALPHA;
    header->has_transparent_color = png_get_valid(png, info, PNG_INFO_tRNS) != 0;
  } else {
    read_pixels(png, info, pixels);
  }
  png_destroy_read_struct(&png, &info, NULL);
  return 0;
}

int dis_png_read_header(dis_png_header *header, const uint8_t *png, size_t count, char *message) {
  return read_png(header, NULL, png, count, message);
}

int dis_png_decode(uint8_t *pixels, const uint8_t *png, size_t count, char *message) {
  return read_png(NULL, pixels, png, count, message);
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
