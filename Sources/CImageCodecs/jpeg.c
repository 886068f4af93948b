#include "dis_jpeg.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

_Static_assert(DIS_JPEG_MESSAGE_SIZE == JMSG_LENGTH_MAX, "libjpeg's messages need another size");

/// libjpeg's error manager, and the destination of its errors.
typedef struct {
  struct jpeg_error_mgr manager;
  jmp_buf target;
  dis_jpeg_status status;
  char *message;
} error_handler;

static void fail(j_common_ptr jpeg, dis_jpeg_status status, const char *text) {
  error_handler *handler = (error_handler *)jpeg->err;
  handler->status = status;
  strncpy(handler->message, text, DIS_JPEG_MESSAGE_SIZE - 1);
  handler->message[DIS_JPEG_MESSAGE_SIZE - 1] = 0;
  longjmp(handler->target, 1);
}

static dis_jpeg_status status_of(int code) {
  switch (code) {
    case JERR_IMAGE_TOO_BIG:
    case JERR_WIDTH_OVERFLOW: return DIS_JPEG_TOO_LARGE;
#if JPEG_LIB_VERSION < 70
    case JERR_ARITH_NOTIMPL:  // Later versions always decode arithmetic coding, and lack the name.
#endif
    case JERR_BAD_PRECISION:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_SOF_UNSUPPORTED: return DIS_JPEG_UNSUPPORTED;
    case JERR_OUT_OF_MEMORY: return DIS_JPEG_NO_MEMORY;
    default: return DIS_JPEG_MALFORMED;
  }
}

static void fail_with_error(j_common_ptr jpeg) {
  char text[JMSG_LENGTH_MAX];
  jpeg->err->format_message(jpeg, text);
  fail(jpeg, status_of(jpeg->err->msg_code), text);
}

/// Fails for negative levels, which are warnings: libjpeg continues with pixels that it made up.
/// The warning about the revision of a JFIF header does not concern the pixels.
static void fail_with_warning(j_common_ptr jpeg, int level) {
  if (level < 0 && jpeg->err->msg_code != JWRN_JFIF_MAJOR) fail_with_error(jpeg);
}

static void print_nothing(j_common_ptr jpeg) { (void)jpeg; }

static void limit_scans(j_common_ptr jpeg) {
  if (((j_decompress_ptr)jpeg)->input_scan_number > DIS_JPEG_MAX_SCANS) {
    fail(jpeg, DIS_JPEG_TOO_LARGE, "the image has more than 100 scans");
  }
}

static void do_nothing(j_decompress_ptr jpeg) { (void)jpeg; }

/// Fails at the end of the bytes, where libjpeg's own source would make up the rest of the image.
static boolean fail_at_end(j_decompress_ptr jpeg) {
  fail((j_common_ptr)jpeg, DIS_JPEG_TRUNCATED, "the bytes end early");
  return FALSE;
}

static void skip_bytes(j_decompress_ptr jpeg, long count) {
  struct jpeg_source_mgr *source = jpeg->src;
  if (count <= 0) return;
  if ((size_t)count > source->bytes_in_buffer) fail_at_end(jpeg);
  source->next_input_byte += count;
  source->bytes_in_buffer -= (size_t)count;
}

static void read_header(j_decompress_ptr jpeg, dis_jpeg_header *header) {
  jpeg_read_header(jpeg, TRUE);
  if (jpeg->num_components != 1 && jpeg->num_components != 3 && jpeg->num_components != 4) {
    fail((j_common_ptr)jpeg, DIS_JPEG_UNSUPPORTED, "expected 1, 3 or 4 channels");
  }
  if (!header) return;
  header->width = jpeg->image_width;
  header->height = jpeg->image_height;
  header->channels = jpeg->num_components == 1 ? 1 : 3;
  uint64_t blocks = 0;
  for (int i = 0; i < jpeg->num_components && !jpeg->arith_code; i++) {
    blocks += (uint64_t)jpeg->comp_info[i].width_in_blocks * jpeg->comp_info[i].height_in_blocks;
  }
  header->least_bytes = blocks / 8;
}

/// Converts a row of inverted CMYK as Pillow does, with the same rounding.
static void convert_cmyk(uint8_t *rgb, const uint8_t *cmyk, size_t width) {
  for (size_t x = 0; x < width; x++, rgb += 3, cmyk += 4) {
    int white = cmyk[3];
    for (int i = 0; i < 3; i++) {
      int product = (255 - cmyk[i]) * white + 128;
      rgb[i] = (uint8_t)(white - (((product >> 8) + product) >> 8));
    }
  }
}

/// Fails if scans are missing. A file of several scans may end before its image is complete,
/// without a warning by libjpeg: a channel without a scan is grey, and the coefficients that a
/// progressive file lacks are guessed from neighbouring blocks, differently in different versions.
static void require_scans(j_decompress_ptr jpeg) {
  for (int i = 0; i < jpeg->num_components; i++) {
    int missing = !jpeg->comp_info[i].quant_table;
    for (int k = 0; k < 10 && jpeg->coef_bits; k++) missing |= jpeg->coef_bits[i][k] != 0;
    if (missing) fail((j_common_ptr)jpeg, DIS_JPEG_TRUNCATED, "scans are missing");
  }
}

static void read_pixels(j_decompress_ptr jpeg, uint8_t *pixels) {
  int components = jpeg->num_components;
  jpeg->out_color_space =
      components == 1 ? JCS_GRAYSCALE : components == 3 ? JCS_RGB : JCS_CMYK;
  jpeg_start_decompress(jpeg);
  require_scans(jpeg);
  size_t width = jpeg->output_width, stride = width * (components == 1 ? 1 : 3);
  JSAMPROW cmyk = NULL;
  if (components == 4) {
    cmyk = jpeg->mem->alloc_large((j_common_ptr)jpeg, JPOOL_IMAGE, width * 4);
  }
  while (jpeg->output_scanline < jpeg->output_height) {
    uint8_t *out = pixels + jpeg->output_scanline * stride;
    JSAMPROW row = cmyk ? cmyk : out;
    jpeg_read_scanlines(jpeg, &row, 1);
    if (cmyk) convert_cmyk(out, cmyk, width);
  }
  jpeg_finish_decompress(jpeg);
}

/// Reads the header into `header` or, if that is null, the image into `pixels`.
static dis_jpeg_status read_jpeg(
    dis_jpeg_header *header, uint8_t *pixels, const uint8_t *bytes, size_t count, char *message) {
  struct jpeg_decompress_struct jpeg;
  memset(&jpeg, 0, sizeof jpeg);
  error_handler handler = {.status = DIS_JPEG_OK, .message = message};
  jpeg.err = jpeg_std_error(&handler.manager);
  handler.manager.error_exit = fail_with_error;
  handler.manager.emit_message = fail_with_warning;
  handler.manager.output_message = print_nothing;
  if (setjmp(handler.target)) {
    jpeg_destroy_decompress(&jpeg);
    return handler.status;
  }
  jpeg_create_decompress(&jpeg);
  struct jpeg_source_mgr source = {
      .next_input_byte = bytes,
      .bytes_in_buffer = count,
      .init_source = do_nothing,
      .fill_input_buffer = fail_at_end,
      .skip_input_data = skip_bytes,
      .resync_to_restart = jpeg_resync_to_restart,
      .term_source = do_nothing,
  };
  struct jpeg_progress_mgr progress = {.progress_monitor = limit_scans};
  jpeg.src = &source;
  jpeg.progress = &progress;
  read_header(&jpeg, header);
  if (!header) read_pixels(&jpeg, pixels);
  jpeg_destroy_decompress(&jpeg);
  return DIS_JPEG_OK;
}

dis_jpeg_status dis_jpeg_read_header(
    dis_jpeg_header *header, const uint8_t *jpeg, size_t count, char *message) {
  return read_jpeg(header, NULL, jpeg, count, message);
}

dis_jpeg_status dis_jpeg_decode(
    uint8_t *pixels, const uint8_t *jpeg, size_t count, char *message) {
  return read_jpeg(NULL, pixels, jpeg, count, message);
}
