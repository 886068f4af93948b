#ifndef DIS_NORMALIZATION_H
#define DIS_NORMALIZATION_H
#include <stdbool.h>
#include <stddef.h>

#include "dis_mamba.h"

/// Normalises each of `groups` runs of channels of one image to zero mean and unit (biased) variance:
///
///     out[p, c] = (x[p, c] - mean) / sqrt(variance + epsilon) * weight[c] + bias[c]
///
/// then y * sigmoid(y) if `silu`. `out` may be `x`. `x` is [pixels, channels], at least one pixel;
/// `groups` divides `channels`, for which the stack holds 28 bytes each. Both moments are accumulated
/// in double. Reference: Wu & He, arXiv 1803.08494.
void dis_group_norm(
    enum dis_instructions instructions, float *out, const float *x, const float *weight,
    const float *bias, size_t pixels, size_t channels, size_t groups, double epsilon, bool silu);

/// x[r, c] = exp(scale * (x[r, c] - max_c)) / sum, in place, for `scale` > 0. The sum is
/// accumulated in double.
void dis_softmax(float *x, size_t rows, size_t columns, float scale);

#endif
