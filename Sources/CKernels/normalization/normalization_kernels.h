#ifndef DIS_NORMALIZATION_KERNELS_H
#define DIS_NORMALIZATION_KERNELS_H

#include "../instructions/dispatch.h"
#include "dis_normalization.h"

/// Adds the differences of each channel's values from its `origin` to `sums`, and their squares to
/// `squares`.
typedef void dis_channel_moments_kernel(
    double *sums, double *squares, const float *x, const float *origin, size_t pixels,
    size_t channels);

/// Computes out[p, c] = (x[p, c] - center[c]) * scale[c] + shift[c], and then y * sigmoid(y) if
/// `silu`.
typedef void dis_normalize_channels_kernel(
    float *out, const float *x, const float *center, const float *scale, const float *shift,
    size_t pixels, size_t channels, bool silu);

typedef void dis_layer_norm_kernel(
    float *out, const float *x, const float *weight, const float *bias, size_t rows,
    size_t columns, double epsilon);

DIS_DECLARE_KERNELS(dis_channel_moments);
DIS_DECLARE_KERNELS(dis_normalize_channels);
DIS_DECLARE_KERNELS(dis_layer_norm);

#endif
