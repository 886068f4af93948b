#ifndef DIS_PACKED_INTERNAL_H
#define DIS_PACKED_INTERNAL_H

#include "CKernels.h"
#include "../instructions/dispatch.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

/// Vectors of DIS_CHANNELS channels in a panel at most; a convolution's outputs are divided into
/// panels of four, or of three and five where four does not divide them.
#define DIS_PANEL_LIMIT 5

/// Rows of a register tile at most.
#define DIS_TILE_ROWS 12

static inline size_t dis_round_up(size_t count, size_t unit) {
  return (count + unit - 1) / unit * unit;
}

static inline size_t dis_smaller(size_t a, size_t b) { return a < b ? a : b; }

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

/// Outputs of a tile along an axis with a kernel.
static inline size_t dis_winograd_outputs(enum dis_method method) {
  return method == DIS_WINOGRAD_2 ? 2 : 4;
}

/// The points of a tile along an axis with so many taps; one for an axis without a kernel.
static inline size_t dis_winograd_points(enum dis_method method, size_t taps) {
  return taps == 1 ? 1 : taps + dis_winograd_outputs(method) - 1;
}

/// Tiles along an axis.
static inline size_t dis_winograd_tiles(enum dis_method method, size_t taps, size_t outputs) {
  const size_t tile = dis_winograd_outputs(method);
  return taps == 1 ? outputs : (outputs + tile - 1) / tile;
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

/// `x` as bfloat16, the upper half of a float: rounded once, to nearest, ties to even. What is below
/// the least normal float becomes zero.
static inline uint16_t dis_bfloat16(double x) {
  if (isnan(x)) return 0x7FC0;
  if (fabs(x) < FLT_MIN) x = copysign(0, x);
  uint64_t wide;
  memcpy(&wide, &x, sizeof wide);
  // Of 52 bits of the significand 7 are kept.
  wide = (wide + (UINT64_C(1) << 44) - 1 + (wide >> 45 & 1)) >> 45 << 45;
  memcpy(&x, &wide, sizeof x);
  const float exact = (float)x;
  uint32_t bits;
  memcpy(&bits, &exact, sizeof bits);
  return (uint16_t)(bits >> 16);
}

/// The value of a bfloat16.
static inline float dis_widened(uint16_t x) {
  const uint32_t bits = (uint32_t)x << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/// Words of a matrix's depth: a bfloat16 shares one with that of the next channel.
static inline size_t dis_words(const dis_packed_convolution *c, size_t depth) {
  return c->precision == DIS_BFLOAT16 ? (depth + 1) / 2 : depth;
}

/// The matrices of weights that are stored.
static inline size_t dis_matrices(const dis_packed_convolution *c) {
  return c->method == DIS_WINOGRAD_COMPACT ? 9 : dis_values(c);
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

/// The pixels that are computed together: few enough for their inputs to stay in the second-level
/// cache while all panels of weights pass by, in blocks of about the same size.
static inline size_t dis_block(size_t count, size_t target) {
  const size_t blocks = (count + target / 2) / target;
  return blocks < 2 ? count : (count + blocks - 1) / blocks;
}

/// Pixels of a block of the direct method.
#define DIS_DIRECT_BLOCK 96

/// How a method with transforms divides an image.
typedef struct {
  size_t tiles, block;      // All of them, and those that are computed together.
  size_t values;            // Of a tile after the transform, for each channel.
  size_t depth;             // Floats from a tile's inputs to the next tile's.
  size_t v_plane, m_plane;  // Floats from a value to the next one, of inputs and of products.
  size_t weights;           // Floats of a panel's weights, if those are transformed here.
} dis_tiling;

/// Floats of transformed inputs and of a panel's products for the tiles of a block, about: they and
/// a part of the weights share a second-level cache.
#define DIS_TILED_FLOATS 200000

/// The same where each block transforms all weights anew, so that it is larger: about half a share
/// of a third-level cache. Of each of its matrices, the second-level one holds inputs and weights.
#define DIS_TILED_FLOATS_COMPACT 2000000

/// Tiles of a block at most.
#define DIS_TILE_LIMIT 256

static inline dis_tiling dis_tile(const dis_packed_convolution *c) {
  const dis_window w = c->window;
  dis_tiling t = {.values = dis_values(c), .depth = dis_round_up(c->inputs, DIS_CHANNELS)};
  const bool compact = c->method == DIS_WINOGRAD_COMPACT;
  switch (c->method) {
    case DIS_DIRECT: break;
    case DIS_WINOGRAD:
    case DIS_WINOGRAD_2:
    case DIS_WINOGRAD_COMPACT:
      t.tiles = dis_winograd_tiles(c->method, w.kernel_height, w.out_height) *
                dis_winograd_tiles(c->method, w.kernel_width, w.out_width);
      break;
    case DIS_FOURIER_7: t.tiles = w.kernel_width > 1 ? w.height : w.width; break;
  }
  const size_t panel = DIS_PANEL_LIMIT * DIS_CHANNELS;
  const size_t target = (compact ? DIS_TILED_FLOATS_COMPACT : DIS_TILED_FLOATS) /
                        (t.values * (t.depth + panel));
  const size_t limit = compact ? DIS_TILE_LIMIT / 2 : 32;
  t.block = dis_block(t.tiles, target < 6 ? 6 : dis_smaller(target, limit));
  // The odd lines keep values from falling into the same sets of a cache.
  t.v_plane = t.block * t.depth + 16;
  t.m_plane = t.block * panel + 16;
  t.weights = compact ? t.values * c->inputs * panel : 0;
  return t;
}

/// Sums that a round of `dis_multiply_add` adds to: more than any processor's units times latency.
#define DIS_INDEPENDENT_SUMS 12

/// Declares the kernels of one instruction set.
#define DIS_DECLARE_PACKED_KERNELS(isa)                                                           \
  void dis_convolve_packed_##isa(                                                                 \
      float *out, const float *x, const float *packed, const float *bias,                         \
      const dis_packed_convolution *convolution, float *scratch);                                 \
  void dis_max_pool_packed_##isa(                                                                 \
      float *out, size_t out_stride, const float *x, size_t in_stride, size_t channels,           \
      dis_window window);                                                                         \
  void dis_average_pool_packed_##isa(                                                             \
      float *out, size_t out_stride, const float *x, size_t in_stride, const float *bias,         \
      size_t channels, dis_window window);                                                        \
  float dis_multiply_add_##isa(size_t count);

/// Declares the kernel of one instruction set for DIS_BFLOAT16.
#define DIS_DECLARE_BFLOAT16_KERNEL(isa)                                                          \
  void dis_convolve_bfloat16_##isa(                                                               \
      float *out, const float *x, const float *packed, const float *bias,                         \
      const dis_packed_convolution *convolution, float *scratch);

DIS_FOR_EACH_SET(DIS_DECLARE_PACKED_KERNELS)
DIS_FOR_EACH_SET(DIS_DECLARE_BFLOAT16_KERNEL)

#endif
