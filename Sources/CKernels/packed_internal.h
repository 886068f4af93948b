#ifndef DIS_PACKED_INTERNAL_H
#define DIS_PACKED_INTERNAL_H

#include "CKernels.h"

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
/// equally fast. Others take one group at a time: 6 x 2 vectors of AVX2 in 16 registers.
static inline size_t dis_panel_groups(enum dis_instructions instructions, size_t left) {
  if (instructions != DIS_AVX512) return 1;
  if (left <= DIS_PANEL_LIMIT) return left;
  return left == 6 || left == 9 || left == 10 ? (left + 1) / 2 : 4;
}

/// The matrices of weights that a method multiplies by.
static inline size_t dis_matrices(const dis_packed_convolution *c) {
  switch (c->method) {
    case DIS_DIRECT: break;
  }
  return c->window.kernel_height * c->window.kernel_width;
}

/// The pixels that are computed together: few enough for their inputs to stay in the second-level
/// cache while all panels of weights pass by, in blocks of about the same size.
static inline size_t dis_block(size_t count, size_t target) {
  const size_t blocks = (count + target / 2) / target;
  return blocks < 2 ? count : (count + blocks - 1) / blocks;
}

/// Pixels of a block of the direct method.
#define DIS_DIRECT_BLOCK 96

/// Declares the kernels of one instruction set.
#define DIS_DECLARE_PACKED_KERNELS(isa)                                                          \
  void convolve_packed_##isa(                                                                    \
      float *out, const float *x, const float *packed, const float *bias,                        \
      const dis_packed_convolution *convolution, float *scratch);                                \
  void max_pool_packed_##isa(                                                                    \
      float *out, size_t out_stride, const float *x, size_t in_stride, size_t channels,          \
      dis_window window);                                                                        \
  void average_pool_packed_##isa(                                                                \
      float *out, size_t out_stride, const float *x, size_t in_stride, const float *bias,        \
      size_t channels, dis_window window);

#if defined(__x86_64__)
DIS_DECLARE_PACKED_KERNELS(avx2)
DIS_DECLARE_PACKED_KERNELS(avx512)
#endif

#endif
