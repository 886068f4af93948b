// The plain loops of transformers: the fallback on other processors, and the oracle of the tests.

#include "transformer_kernels.h"

#include <math.h>

void dis_gelu_tanh_scalar(float *x, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const double value = x[i], z = 0.7978845608028654 * (value + 0.044715 * value * value * value);
    x[i] = (float)(value / 2 * (1 + tanh(z)));
  }
}

void dis_gelu_erf_scalar(float *x, size_t count) {
  for (size_t i = 0; i < count; i++) {
    x[i] = (float)((double)x[i] / 2 * (1 + erf(x[i] * 0.7071067811865476)));
  }
}
