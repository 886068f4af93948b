#ifndef DIS_PACKED_LAYOUT_H
#define DIS_PACKED_LAYOUT_H

// How packed weights lie in memory, and where a convolution finds a pixel.

#include "../convolution/window.h"
#include "../winograd/winograd.h"
#include "dis_packed.h"

/// Vectors of DIS_CHANNELS channels in a panel at most; a convolution's outputs are divided into
/// panels of four, or of three and five where four does not divide them.
#define DIS_PANEL_LIMIT 5

static inline size_t dis_round_up(size_t count, size_t unit) {
  return (count + unit - 1) / unit * unit;
}

/// The groups of DIS_CHANNELS outputs in the panel that begins at a group with `left` left.
///
/// AVX-512 keeps tiles of 6 x 4, 8 x 3, 5 x 5 and 12 x 2 vectors in its 32 registers, which run
/// equally fast. Others take one group at a time: 6 x 2 vectors of AVX2 in 16 registers, 6 x 4 of
/// NEON in 32.
static inline size_t dis_panel_groups(enum dis_instructions instructions, size_t left) {
  if (instructions != DIS_AVX512) return 1;
  if (left <= DIS_PANEL_LIMIT) return left;
  return left == 6 || left == 9 || left == 10 ? (left + 1) / 2 : 4;
}

/// The matrices of weights that a method multiplies by: a tile's values after the transform.
static inline size_t dis_values(const dis_packed_convolution *c) {
  switch (c->method) {
    case DIS_DIRECT: break;
    case DIS_WINOGRAD:
    case DIS_WINOGRAD_2:
    case DIS_WINOGRAD_COMPACT:
      return dis_winograd_points(c->method, c->window.kernel_height) *
             dis_winograd_points(c->method, c->window.kernel_width);
    case DIS_FOURIER_7: return 2 + 3 * 9;
  }
  return c->window.kernel_height * c->window.kernel_width;
}

/// The matrices of weights that are stored.
static inline size_t dis_matrices(const dis_packed_convolution *c) {
  return c->method == DIS_WINOGRAD_COMPACT ? 9 : dis_values(c);
}

/// Words of a matrix's depth: a bfloat16 shares one with that of the next channel.
static inline size_t dis_words(const dis_packed_convolution *c, size_t depth) {
  return c->precision == DIS_BFLOAT16 ? (depth + 1) / 2 : depth;
}

/// Where a pixel of the image under the window begins. Above and left of the image, rows and columns
/// wrap around to huge numbers.
static inline const float *dis_pixel(
    const dis_packed_convolution *c, const float *x, size_t row, size_t column,
    const float *outside) {
  const dis_window w = c->window;
  if (row >= w.height || column >= w.width) return outside;
  return x + ((row >> c->doubled) * (w.width >> c->doubled) + (column >> c->doubled)) * c->in_stride;
}

#endif
