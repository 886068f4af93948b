#include "mamba_kernels.h"

void dis_causal_conv1d_silu(
    enum dis_instructions instructions, float *out, const float *x, size_t x_stride,
    const float *weight, const float *bias, size_t tokens, size_t channels, size_t history,
    int reverse) {
  assert(x_stride >= channels);
  DIS_DISPATCH(
      dis_causal_conv1d_silu, out, x, x_stride, weight, bias, tokens, channels, history, reverse)
}

void dis_selective_scan(
    enum dis_instructions instructions, float *y, const float *u, const float *delta_raw,
    const float *a, const float *b, const float *c, size_t bc_stride, const float *d,
    const float *delta_bias, float *h, size_t tokens, size_t channels, int reverse,
    int accumulate) {
  assert(bc_stride >= DIS_STATES);
  DIS_DISPATCH(
      dis_selective_scan, y, u, delta_raw, a, b, c, bc_stride, d, delta_bias, h, tokens, channels,
      reverse, accumulate)
}

void dis_silu_gate(
    enum dis_instructions instructions, float *y, const float *z, size_t z_stride, size_t rows,
    size_t columns) {
  assert(z_stride >= columns);
  DIS_DISPATCH(dis_silu_gate, y, z, z_stride, rows, columns)
}

void dis_silu(enum dis_instructions instructions, float *x, size_t count) {
  DIS_DISPATCH(dis_silu, x, count)
}
