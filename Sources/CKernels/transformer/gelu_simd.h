// GELU, exactly and with the hyperbolic tangent.

#include "../instructions/exponential_simd.h"
#include "transformer_kernels.h"

DIS_BEGIN_KERNELS

void DIS_KERNEL(dis_gelu_tanh)(float *x, size_t count) {
  for (size_t i = 0; i < count; i += DIS_LANES) {
    const size_t lanes = lanes_left(count, i);
    store_first(x + i, gelu_tanh(load_first(x + i, lanes)), lanes);
  }
}

void DIS_KERNEL(dis_gelu_erf)(float *x, size_t count) {
  for (size_t i = 0; i < count; i += DIS_LANES) {
    const size_t lanes = lanes_left(count, i);
    store_first(x + i, gelu_erf(load_first(x + i, lanes)), lanes);
  }
}

DIS_END_KERNELS
