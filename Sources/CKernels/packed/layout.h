#ifndef DIS_PACKED_LAYOUT_H
#define DIS_PACKED_LAYOUT_H

// The memory layout of packed weights, and the address of a pixel in a convolution.

#include "../convolution/window.h"
#include "../winograd/winograd.h"
#include "dis_packed.h"

/// The largest number of groups of DIS_CHANNELS outputs in a panel.
#define DIS_PANEL_LIMIT 5

/// Returns the least multiple of `unit` that is not less than `count`.
static inline size_t dis_round_up(size_t count, size_t unit) {
  return (count + unit - 1) / unit * unit;
}

/// Returns the number of groups of outputs in the next panel if `left` groups are left.
///
/// With AVX-512, a panel has four groups, or three or five if four does not divide the outputs. Its
/// 32 registers hold tiles of 6 x 4, 8 x 3, 5 x 5 or 12 x 2 vectors, which are equally fast. With
/// other instructions, a panel is one group. A tile has 6 x 2 vectors in the 16 registers of AVX2,
/// and 6 x 4 in the 32 registers of NEON.
static inline size_t dis_panel_groups(enum dis_instructions instructions, size_t left) {
  if (instructions != DIS_AVX512) return 1;
  if (left <= DIS_PANEL_LIMIT) return left;
  return left == 6 || left == 9 || left == 10 ? (left + 1) / 2 : 4;
}

/// Returns the number of matrices by which a method multiplies: the values of a tile after the
/// transform, or the taps of the direct method.
static inline size_t dis_values(const dis_packed_convolution *c) {
  switch (c->method) {
    case DIS_DIRECT: break;
    case DIS_WINOGRAD:
    case DIS_WINOGRAD_2:
    case DIS_WINOGRAD_HALVING:
    case DIS_WINOGRAD_COMPACT:
      return dis_winograd_points(c->method, c->window.kernel_height) *
             dis_winograd_points(c->method, c->window.kernel_width);
    case DIS_FOURIER_7: return 2 + 3 * 9;
  }
  return c->window.kernel_height * c->window.kernel_width;
}

/// Returns the number of matrices that are stored.
static inline size_t dis_matrices(const dis_packed_convolution *c) {
  switch (c->method) {
    case DIS_WINOGRAD_COMPACT: return 9;
    case DIS_WINOGRAD_HALVING: {
      const size_t kernels = dis_winograd_kernels(c->method, 3);
      return kernels * kernels;
    }
    default: return dis_values(c);
  }
}

/// Returns the matrix by which a value is multiplied. The odd pixels along an axis of
/// DIS_WINOGRAD_HALVING share a matrix.
static inline size_t dis_matrix(const dis_packed_convolution *c, size_t value) {
  if (c->method != DIS_WINOGRAD_HALVING) return value;
  const size_t points = dis_winograd_points(c->method, 3);
  const size_t kernels = dis_winograd_kernels(c->method, 3);
  return dis_smaller(value / points, kernels - 1) * kernels +
         dis_smaller(value % points, kernels - 1);
}

/// Returns the number of words that hold `depth` values. Two bfloat16 share a word.
static inline size_t dis_words(const dis_packed_convolution *c, size_t depth) {
  return c->precision == DIS_BFLOAT16 ? (depth + 1) / 2 : depth;
}

/// Returns the channels of a pixel, or `outside` if the pixel is outside the image. Rows above the
/// image and columns left of it wrap around to huge numbers.
static inline const float *dis_pixel(
    const dis_packed_convolution *c, const float *x, size_t row, size_t column,
    const float *outside) {
  const dis_window w = c->window;
  if (row >= w.height || column >= w.width) return outside;
  return x + ((row >> c->doubled) * (w.width >> c->doubled) + (column >> c->doubled)) *
                 c->in_stride;
}

#endif
