#ifndef DIS_MAMBA_H
#define DIS_MAMBA_H

#include <stddef.h>

#include "dis_instructions.h"

// Legend: L tokens, D inner channels, N = 16 states. All matrices are row-major with tokens as rows.
// `reverse` runs from the last token to the first: the backward direction of a bidirectional block,
// without flipping anything in memory.

/// States per channel. Every DiS model has 16, and the kernels keep them in registers.
#define DIS_STATES 16

/// Taps of the causal convolution.
#define DIS_TAPS 4

/// out[l, c] = silu(bias[c] + sum_k weight[k, c] * x[l - 3 + k, c]), zero before the first token.
/// With `reverse`, x[l + 3 - k, c]. `x` has `x_stride` values per row; `weight` is [4, D]. The tokens may
/// be a part of a sequence, of which `history` precede them, in the order of the walk, beside `x`.
/// Reference: causal_conv1d_fwd.cu of Dao-AILab/causal-conv1d.
void dis_causal_conv1d_silu(
    enum dis_instructions instructions, float *out, const float *x, size_t x_stride,
    const float *weight, const float *bias, size_t tokens, size_t channels, size_t history,
    int reverse);

/// The selective scan of one direction (Gu & Dao, arXiv 2312.00752, Algorithm 2):
///
///     delta  = softplus(delta_raw[l, c] + delta_bias[c])
///     h[n]   = exp2(delta * a[n, c]) * h[n] + delta * u[l, c] * b[l, n]
///     y[l,c] (+)= sum_n c[l, n] * h[n] + d[c] * u[l, c]
///
/// `h` is [N, D], zeros before the first token; the states after the last one are left in it, so that
/// a sequence may be scanned in parts. `a` is [N, D] and already holds -exp(A_log) * log2(e). `b` and `c` have `bc_stride` values per
/// row. With `accumulate` the result is added to `y`. Reference: selective_scan_fwd_kernel.cuh of
/// state-spaces/mamba.
void dis_selective_scan(
    enum dis_instructions instructions, float *y, const float *u, const float *delta_raw,
    const float *a, const float *b, const float *c, size_t bc_stride, const float *d,
    const float *delta_bias, float *h, size_t tokens, size_t channels, int reverse, int accumulate);

/// y[r, c] *= silu(z[r, c]), where `z` has `z_stride` values per row.
void dis_silu_gate(
    enum dis_instructions instructions, float *y, const float *z, size_t z_stride, size_t rows,
    size_t columns);

/// x[i] = silu(x[i]) for `count` values.
void dis_silu(enum dis_instructions instructions, float *x, size_t count);

/// out[r, c] = x[r, c] / sqrt(mean_c(x[r, c]^2) + epsilon) * weight[c]. `out` may equal `x`.
/// The mean is accumulated in double. Reference: layernorm.py of state-spaces/mamba.
void dis_rms_norm(
    float *out, const float *x, const float *weight, size_t rows, size_t columns, float epsilon);

/// out[r, c] = (x[r, c] - mean) / sqrt(variance + epsilon), biased variance, no affine part, both
/// moments accumulated in double. `out` may equal `x`.
void dis_layer_norm(float *out, const float *x, size_t rows, size_t columns, float epsilon);

#endif
