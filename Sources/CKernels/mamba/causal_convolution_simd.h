// The causal convolution of Mamba, followed by SiLU.

#include "../instructions/exponential_simd.h"
#include "mamba_kernels.h"

DIS_BEGIN_KERNELS

/// Convolves some channels of one token. `rows[k]` is the row of tap k, or null before the first
/// token.
INLINE void convolve_token(
    float *out, const float *const rows[DIS_TAPS], const float *weight, const float *bias,
    size_t channels, size_t first, size_t lanes) {
  vector sum = load_first(bias + first, lanes);
  UNROLL for (size_t k = 0; k < DIS_TAPS; k++) {
    const vector x = rows[k] == NULL ? splat(0) : load_first(rows[k] + first, lanes);
    sum = multiply_add(load_first(weight + k * channels + first, lanes), x, sum);
  }
  store_first(out + first, silu(sum), lanes);
}

void DIS_KERNEL(dis_causal_conv1d_silu)(
    float *out, const float *x, size_t x_stride, const float *weight, const float *bias,
    size_t tokens, size_t channels, size_t history, int reverse) {
  for (size_t step = 0; step < tokens; step++) {
    const size_t l = reverse ? tokens - 1 - step : step;
    const float *rows[DIS_TAPS];
    for (size_t k = 0; k < DIS_TAPS; k++) {
      const size_t back = DIS_TAPS - 1 - k;  // The number of tokens between the tap and `l`.
      const ptrdiff_t away = (ptrdiff_t)(back * x_stride);
      rows[k] = step + history < back ? NULL : x + l * x_stride + (reverse ? away : -away);
    }
    size_t first = 0;
    for (; first + DIS_LANES <= channels; first += DIS_LANES) {
      convolve_token(out + l * channels, rows, weight, bias, channels, first, DIS_LANES);
    }
    if (first < channels) {
      convolve_token(out + l * channels, rows, weight, bias, channels, first, channels - first);
    }
  }
}

DIS_END_KERNELS
