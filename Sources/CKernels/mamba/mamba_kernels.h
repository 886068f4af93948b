#ifndef DIS_MAMBA_KERNELS_H
#define DIS_MAMBA_KERNELS_H

#include "../instructions/dispatch.h"
#include "dis_mamba.h"

typedef void dis_causal_conv1d_silu_kernel(
    float *out, const float *x, size_t x_stride, const float *weight, const float *bias,
    size_t tokens, size_t channels, size_t history, int reverse);

typedef void dis_selective_scan_kernel(
    float *y, const float *u, const float *delta_raw, const float *a, const float *b,
    const float *c, size_t bc_stride, const float *d, const float *delta_bias, float *h,
    size_t tokens, size_t channels, int reverse, int accumulate);

typedef void dis_silu_gate_kernel(
    float *y, const float *z, size_t z_stride, size_t rows, size_t columns);

typedef void dis_silu_kernel(float *x, size_t count);

DIS_DECLARE_KERNELS(dis_causal_conv1d_silu);
DIS_DECLARE_KERNELS(dis_selective_scan);
DIS_DECLARE_KERNELS(dis_silu_gate);
DIS_DECLARE_KERNELS(dis_silu);

#endif
