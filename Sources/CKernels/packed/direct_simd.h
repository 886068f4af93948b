// The direct method: convolution by its definition.

#include "product_simd.h"

DIS_BEGIN_KERNELS

/// Computes a convolution as an implicit matrix product. For each tap, a table holds pointers to
/// the inputs of each pixel, or to zeros outside the image. A block of pixels is multiplied by all
/// panels of weights before the next block.
static void convolve_direct(
    float *out, const float *x, const float *packed, const float *bias,
    const dis_packed_convolution *c, float *scratch) {
  const dis_window w = c->window;
  // Without padding and without gaps between pixels, the taps of a row are one contiguous run of
  // values.
  const bool runs = w.padding_width == 0 && c->in_stride == c->inputs && !c->doubled &&
                    c->precision == DIS_FLOAT32;
  const size_t columns = runs ? 1 : w.kernel_width, taps = w.kernel_height * columns;
  const size_t depth = runs ? c->inputs * w.kernel_width : c->inputs;
  const size_t words = dis_words(c, depth), pixels = w.out_height * w.out_width;
  const size_t groups = dis_round_up(c->outputs, DIS_CHANNELS) / DIS_CHANNELS;
  const size_t block = dis_block(pixels, DIS_DIRECT_BLOCK), pitch = block + DIS_TILE_ROWS;
  float *zeros = scratch;
  memset(zeros, 0, depth * sizeof *zeros);
  const float **table = (const float **)(scratch + dis_round_up(depth, 16));
  float *converted = (float *)(table + taps * pitch);  // The block's words, if not floats.

  for (size_t first = 0; first < pixels; first += block) {
    const size_t count = dis_smaller(block, pixels - first);
    for (size_t tap = 0; tap < taps; tap++) {
      const float **row = table + tap * pitch;
      size_t y = first / w.out_width, q = first % w.out_width;
      for (size_t i = 0; i < count; i++) {
        const float *pixel = dis_pixel(
            c, x, y * w.stride + tap / columns - w.padding_height,
            q * w.stride + tap % columns - w.padding_width, zeros);
        row[i] = to_words(converted + (tap * block + i) * words, pixel, depth);
        if (++q == w.out_width) {
          q = 0;
          y++;
        }
      }
      for (size_t i = 0; i < DIS_TILE_ROWS; i++) row[count + i] = row[count - 1];
    }
    const float *weights = packed;
    for (size_t group = 0; group < groups;) {
      const operand a = {table, pitch, taps, words, 0, group == 0};
      const size_t panel = dis_panel_groups(DIS_SET, groups - group);
      const float *after = weights + taps * words * panel * DIS_CHANNELS;
      const float *next = group + panel < groups ? after : packed;
      multiply_panel(
          out + first * c->out_stride + group * DIS_CHANNELS, c->out_stride, a, count, weights,
          next, panel, bias + group * DIS_CHANNELS, c->relu, c->add);
      weights = after;
      group += panel;
    }
  }
}

DIS_END_KERNELS
