#ifndef DIS_MAMBA_H
#define DIS_MAMBA_H

#include <stddef.h>

#include "dis_instructions.h"

// Legend: L tokens, D inner channels, N = 16 states. All matrices are row-major with one row per
// token. With `reverse`, tokens are processed from the last to the first: the backward direction of
// a bidirectional block, without reversing anything in memory.

/// The number of states per channel. Every DiS model has 16, and the kernels keep them in
/// registers.
#define DIS_STATES 16

/// The number of taps of the causal convolution.
#define DIS_TAPS 4

/// Computes out[l, c] = silu(bias[c] + sum_k weight[k, c] * x[l - 3 + k, c]), where x is 0 before
/// the first token. With `reverse`, x[l + 3 - k, c] is used, where x is 0 after the last token.
///
/// `out` is [L, D]. `x` has `x_stride` values per row, at least `channels`; `weight` is [4, D] and
/// `bias` is [D]. The tokens may be a part of a sequence: the `history` tokens that precede them in
/// the direction of processing are adjacent to `x` in memory, and up to three of them are read.
/// Reference: causal_conv1d_fwd.cu of Dao-AILab/causal-conv1d.
void dis_causal_conv1d_silu(
    enum dis_instructions instructions, float *out, const float *x, size_t x_stride,
    const float *weight, const float *bias, size_t tokens, size_t channels, size_t history,
    int reverse);

/// Computes the selective scan of one direction (Gu & Dao, arXiv 2312.00752, Algorithm 2):
///
///     delta  = softplus(delta_raw[l, c] + delta_bias[c])
///     h[n]   = exp2(delta * a[n, c]) * h[n] + delta * u[l, c] * b[l, n]
///     y[l,c] (+)= sum_n c[l, n] * h[n] + d[c] * u[l, c]
///
/// With `accumulate`, the result is added to `y`.
///
/// `y`, `u` and `delta_raw` are [L, D]; `d` and `delta_bias` are [D]. `a` is [N, D] and holds
/// -exp(A_log) * log2(e). `b` and `c` have `bc_stride` values per row, at least DIS_STATES. `h` is
/// [N, D]. It is 0 before the first token of a sequence, and on return holds the states after the
/// last token, so a sequence can be scanned in parts. Reference: selective_scan_fwd_kernel.cuh of
/// state-spaces/mamba.
void dis_selective_scan(
    enum dis_instructions instructions, float *y, const float *u, const float *delta_raw,
    const float *a, const float *b, const float *c, size_t bc_stride, const float *d,
    const float *delta_bias, float *h, size_t tokens, size_t channels, int reverse, int accumulate);

/// Computes y[r, c] *= silu(z[r, c]). `z` has `z_stride` values per row, at least `columns`.
void dis_silu_gate(
    enum dis_instructions instructions, float *y, const float *z, size_t z_stride, size_t rows,
    size_t columns);

/// Computes x[i] = silu(x[i]) for `count` values.
void dis_silu(enum dis_instructions instructions, float *x, size_t count);

/// Computes out[r, c] = x[r, c] / sqrt(mean_c(x[r, c]^2) + epsilon) * weight[c]. `out` may be `x`.
/// `columns` is at least 1, and `epsilon` is not negative. The mean is accumulated in double.
/// Reference: layernorm.py of state-spaces/mamba.
void dis_rms_norm(
    float *out, const float *x, const float *weight, size_t rows, size_t columns, float epsilon);

#endif
