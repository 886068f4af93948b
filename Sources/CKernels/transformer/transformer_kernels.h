#ifndef DIS_TRANSFORMER_KERNELS_H
#define DIS_TRANSFORMER_KERNELS_H

#include "../instructions/dispatch.h"
#include "dis_transformer.h"

typedef void dis_gelu_tanh_kernel(float *x, size_t count);

typedef void dis_gelu_erf_kernel(float *x, size_t count);

DIS_DECLARE_KERNELS(dis_gelu_tanh);
DIS_DECLARE_KERNELS(dis_gelu_erf);

#endif
