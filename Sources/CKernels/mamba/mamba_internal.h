#ifndef DIS_MAMBA_INTERNAL_H
#define DIS_MAMBA_INTERNAL_H

#include "CKernels.h"
#include "../instructions/dispatch.h"

/// Declares the vector kernels for one instruction set.
#define DIS_DECLARE_MAMBA_KERNELS(isa)                                                            \
  void dis_causal_conv1d_silu_##isa(                                                              \
      float *out, const float *x, size_t x_stride, const float *weight, const float *bias,        \
      size_t tokens, size_t channels, size_t history, int reverse);                               \
  void dis_selective_scan_##isa(                                                                  \
      float *y, const float *u, const float *delta_raw, const float *a, const float *b,           \
      const float *c, size_t bc_stride, const float *d, const float *delta_bias, float *h,        \
      size_t tokens, size_t channels, int reverse, int accumulate);                               \
  void dis_silu_gate_##isa(                                                                       \
      float *y, const float *z, size_t z_stride, size_t rows, size_t columns);                    \
  void dis_silu_##isa(float *x, size_t count);                                                    \
  void dis_channel_moments_##isa(                                                                 \
      double *sums, double *squares, const float *x, const float *origin, size_t pixels,          \
      size_t channels);                                                                           \
  void dis_normalize_channels_##isa(                                                              \
      float *out, const float *x, const float *center, const float *scale, const float *shift,    \
      size_t pixels, size_t channels, bool silu);

DIS_FOR_EACH_SET(DIS_DECLARE_MAMBA_KERNELS)

#endif
