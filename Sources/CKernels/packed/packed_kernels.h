#ifndef DIS_PACKED_KERNELS_H
#define DIS_PACKED_KERNELS_H

#include "../instructions/dispatch.h"
#include "dis_packed.h"

typedef void dis_convolve_packed_kernel(
    float *out, const float *x, const float *packed, const float *bias,
    const dis_packed_convolution *convolution, float *scratch);

/// The same for DIS_BFLOAT16.
typedef dis_convolve_packed_kernel dis_convolve_bfloat16_kernel;

typedef void dis_max_pool_packed_kernel(
    float *out, size_t out_stride, const float *x, size_t in_stride, size_t channels,
    dis_window window);

typedef void dis_average_pool_packed_kernel(
    float *out, size_t out_stride, const float *x, size_t in_stride, const float *bias,
    size_t channels, dis_window window);

DIS_DECLARE_KERNELS(dis_convolve_packed);
DIS_DECLARE_KERNELS(dis_convolve_bfloat16);
DIS_DECLARE_KERNELS(dis_max_pool_packed);
DIS_DECLARE_KERNELS(dis_average_pool_packed);

#endif
