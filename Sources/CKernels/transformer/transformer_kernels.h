#ifndef DIS_TRANSFORMER_KERNELS_H
#define DIS_TRANSFORMER_KERNELS_H

#include "../instructions/dispatch.h"
#include "dis_transformer.h"

typedef void dis_attention_kernel(
    float *out, const float *qkv, size_t tokens, size_t heads, size_t channels, float *scratch);

/// The same for DIS_BFLOAT16.
typedef dis_attention_kernel dis_attention_bfloat16_kernel;

typedef void dis_gelu_tanh_kernel(float *x, size_t count);

typedef void dis_gelu_erf_kernel(float *x, size_t count);

DIS_DECLARE_KERNELS(dis_attention);
DIS_DECLARE_KERNELS(dis_attention_bfloat16);
DIS_DECLARE_KERNELS(dis_gelu_tanh);
DIS_DECLARE_KERNELS(dis_gelu_erf);

#endif
