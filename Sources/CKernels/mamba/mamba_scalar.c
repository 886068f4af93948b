// The plain loops of Mamba: the fallback on other processors, and the oracle of the tests.

#include "mamba_kernels.h"

#include <math.h>

static float silu(float x) { return x / (1.0f + expf(-x)); }

static float softplus(float x) { return x > 20.0f ? x : log1pf(expf(x)); }

void dis_causal_conv1d_silu_scalar(
    float *out, const float *x, size_t x_stride, const float *weight, const float *bias,
    size_t tokens, size_t channels, size_t history, int reverse) {
  for (size_t l = 0; l < tokens; l++) {
    for (size_t c = 0; c < channels; c++) {
      float sum = bias[c];
      for (size_t k = 0; k < DIS_TAPS; k++) {
        const size_t back = DIS_TAPS - 1 - k;  // The number of tokens between the tap and `l`.
        if (reverse ? l + back >= tokens + history : l + history < back) continue;
        const ptrdiff_t away = (ptrdiff_t)(back * x_stride);
        sum += weight[k * channels + c] * (x + l * x_stride + c)[reverse ? away : -away];
      }
      out[l * channels + c] = silu(sum);
    }
  }
}

void dis_selective_scan_scalar(
    float *y, const float *u, const float *delta_raw, const float *a, const float *b,
    const float *c, size_t bc_stride, const float *d, const float *delta_bias, float *h,
    size_t tokens, size_t channels, int reverse, int accumulate) {
  for (size_t channel = 0; channel < channels; channel++) {
    for (size_t step = 0; step < tokens; step++) {
      const size_t l = reverse ? tokens - 1 - step : step;
      const size_t at = l * channels + channel;
      const float delta = softplus(delta_raw[at] + delta_bias[channel]);
      float sum = d[channel] * u[at];
      for (size_t n = 0; n < DIS_STATES; n++) {
        float *state = h + n * channels + channel;
        *state = exp2f(delta * a[n * channels + channel]) * *state +
                 delta * u[at] * b[l * bc_stride + n];
        sum += c[l * bc_stride + n] * *state;
      }
      y[at] = accumulate ? y[at] + sum : sum;
    }
  }
}

void dis_silu_gate_scalar(
    float *y, const float *z, size_t z_stride, size_t rows, size_t columns) {
  for (size_t r = 0; r < rows; r++) {
    for (size_t c = 0; c < columns; c++) y[r * columns + c] *= silu(z[r * z_stride + c]);
  }
}

void dis_silu_scalar(float *x, size_t count) {
  for (size_t i = 0; i < count; i++) x[i] = silu(x[i]);
}
