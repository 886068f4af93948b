#ifndef DIS_NORMALIZATION_H
#define DIS_NORMALIZATION_H
#include <stdbool.h>
#include <stddef.h>

#include "dis_mamba.h"

/// Normalises each of `groups` runs of consecutive channels of one image to zero mean and unit
/// (biased) variance, in place:
///
///     x[c, p] = (x[c, p] - mean) / sqrt(variance + epsilon) * weight[c] + bias[c]
///
/// then x * sigmoid(x) if `silu`. `x` is [channels, pixels]; `groups` divides `channels`. Both
/// moments are accumulated in double, the mean first. Reference: Wu & He, arXiv 1803.08494.
void dis_group_norm(
    enum dis_instructions instructions, float *x, const float *weight, const float *bias,
    size_t channels, size_t pixels, size_t groups, double epsilon, bool silu);

/// x[r, c] = exp(scale * (x[r, c] - max_c)) / sum, in place, for `scale` > 0. The sum is
/// accumulated in double.
void dis_softmax(float *x, size_t rows, size_t columns, float scale);

#endif
