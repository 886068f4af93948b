#ifndef DIS_TRANSFORMER_H
#define DIS_TRANSFORMER_H
#include <stddef.h>

#include "dis_instructions.h"
#include "dis_packed.h"

// Legend: L tokens, H heads of d channels each. All matrices are row-major with one row per token.

/// Computes attention with several heads (Vaswani et al., arXiv 1706.03762, section 3.2):
///
///     out[l, h, c] = sum_r softmax_r(sum_c q[l, h, c] * k[r, h, c] / sqrt(d)) * v[r, h, c]
///
/// Keys are read in blocks, and the results for the blocks so far are corrected when a later block
/// has a larger score (Dao et al., arXiv 2205.14135, Algorithm 1). Memory therefore grows with the
/// number of tokens and not with its square. The bits of a result depend on its query, on all keys
/// and on all values, and not on the other queries.
///
/// In DIS_BFLOAT16, queries, keys, values and exponentials are rounded to bfloat16 before they are
/// multiplied. The exponentials that are summed are the rounded ones, so the weights of a query
/// still add up to 1.
///
/// `qkv` is [L, 3, H, d] and `out` is [L, H, d]; they do not overlap. `heads` and `channels` are at
/// least 1. DIS_BFLOAT16 is for instructions that `dis_bfloat16_instructions` returns. `scratch` is
/// aligned to 64 bytes. The plain loop does not need it.
void dis_attention(
    enum dis_instructions instructions, float *out, const float *qkv, size_t tokens, size_t heads,
    size_t channels, enum dis_precision precision, float *scratch);

/// Returns the number of floats of scratch memory for `dis_attention`, which all heads share.
size_t dis_attention_scratch(
    enum dis_instructions instructions, size_t tokens, size_t channels,
    enum dis_precision precision);

/// Computes x[i] = x[i] / 2 * (1 + tanh(sqrt(2 / pi) * (x[i] + 0.044715 * x[i]^3))) for `count`
/// values. The error is at most 3e-7 * max(|x|, 1). Reference: Hendrycks & Gimpel, arXiv
/// 1606.08415, section 2.
void dis_gelu_tanh(enum dis_instructions instructions, float *x, size_t count);

/// Computes x[i] = x[i] / 2 * (1 + erf(x[i] / sqrt(2))) for `count` values. The error is at most
/// 3e-7 * max(|x|, 1).
void dis_gelu_erf(enum dis_instructions instructions, float *x, size_t count);

#endif
