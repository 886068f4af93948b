#ifndef DIS_NORMALIZATION_H
#define DIS_NORMALIZATION_H
#include <stdbool.h>
#include <stddef.h>

#include "dis_mamba.h"

/// The largest number of channels for `dis_group_norm`, which keeps 28 bytes for each on the stack.
#define DIS_GROUP_NORM_CHANNELS 65536

/// Normalises each of `groups` runs of channels of one image to zero mean and unit (biased)
/// variance:
///
///     out[p, c] = (x[p, c] - mean) / sqrt(variance + epsilon) * weight[c] + bias[c]
///
/// then y * sigmoid(y) if `silu`. `out` may be `x`. Both moments are accumulated in double.
///
/// `x` is [pixels, channels], with at least one pixel and from 1 to DIS_GROUP_NORM_CHANNELS
/// channels. `groups` divides `channels`. `epsilon` is not negative. Reference: Wu & He, arXiv
/// 1803.08494.
void dis_group_norm(
    enum dis_instructions instructions, float *out, const float *x, const float *weight,
    const float *bias, size_t pixels, size_t channels, size_t groups, double epsilon, bool silu);

/// Normalises every row to zero mean and unit (biased) variance:
///
///     out[r, c] = (x[r, c] - mean) / sqrt(variance + epsilon) * weight[c] + bias[c]
///
/// `weight` and `bias` may be null, for 1 and 0. `out` may be `x`. `columns` is at least 1, and
/// `epsilon` is not negative. Both moments are accumulated in double. Reference: Ba et al., arXiv
/// 1607.06450.
void dis_layer_norm(
    enum dis_instructions instructions, float *out, const float *x, const float *weight,
    const float *bias, size_t rows, size_t columns, double epsilon);

/// Computes x[r, c] = exp(scale * (x[r, c] - max_c)) / sum, in place. `columns` is at least 1 and
/// `scale` is positive. The sum is accumulated in double.
void dis_softmax(float *x, size_t rows, size_t columns, float scale);

#endif
