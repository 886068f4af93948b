#include "transformer_kernels.h"

void dis_gelu_tanh(enum dis_instructions instructions, float *x, size_t count) {
  DIS_DISPATCH(dis_gelu_tanh, x, count)
}

void dis_gelu_erf(enum dis_instructions instructions, float *x, size_t count) {
  DIS_DISPATCH(dis_gelu_erf, x, count)
}
