// The causal convolution of Mamba, followed by SiLU.

#include "../instructions/exponential_simd.h"
#include "mamba_kernels.h"

DIS_BEGIN_KERNELS

void DIS_KERNEL(dis_causal_conv1d_silu)(
    float *out, const float *x, size_t x_stride, const float *weight, const float *bias,
    size_t tokens, size_t channels, size_t history, int reverse) {
  const ptrdiff_t step_back = reverse ? (ptrdiff_t)x_stride : -(ptrdiff_t)x_stride;
  const float *start = reverse && tokens > 0 ? x + (tokens - 1) * x_stride : x;
  for (size_t first = 0; first < channels; first += DIS_LANES) {
    const size_t lanes = lanes_left(channels, first);
    vector w[DIS_TAPS], window[DIS_TAPS] = {{0}};
    for (size_t k = 0; k < DIS_TAPS; k++) w[k] = load_first(weight + k * channels + first, lanes);
    const vector b = load_first(bias + first, lanes);
    for (size_t back = 1; back < DIS_TAPS && back <= history; back++) {
      window[DIS_TAPS - back] = load_first(start + (ptrdiff_t)back * step_back + first, lanes);
    }
    for (size_t step = 0; step < tokens; step++) {
      const size_t l = reverse ? tokens - 1 - step : step;
      for (size_t k = 0; k + 1 < DIS_TAPS; k++) window[k] = window[k + 1];
      window[DIS_TAPS - 1] = load_first(x + l * x_stride + first, lanes);
      vector sum = b;
      for (size_t k = 0; k < DIS_TAPS; k++) sum = multiply_add(w[k], window[k], sum);
      store_first(out + l * channels + first, silu(sum), lanes);
    }
  }
}

DIS_END_KERNELS
