#include "mamba_internal.h"

#include <math.h>

// MARK: Scalar twins - the fallback, and the oracle of the tests

static float silu(float x) { return x / (1.0f + expf(-x)); }

static float softplus(float x) { return x > 20.0f ? x : log1pf(expf(x)); }

static void dis_causal_conv1d_silu_scalar(
    float *out, const float *x, size_t x_stride, const float *weight, const float *bias,
    size_t tokens, size_t channels, size_t history, int reverse) {
  for (size_t l = 0; l < tokens; l++) {
    for (size_t c = 0; c < channels; c++) {
      float sum = bias[c];
      for (size_t k = 0; k < DIS_TAPS; k++) {
        const size_t back = DIS_TAPS - 1 - k;  // how far behind `l`, in scan order, the tap looks
        if (reverse ? l + back >= tokens + history : l + history < back) continue;
        const ptrdiff_t away = (ptrdiff_t)(back * x_stride);
        sum += weight[k * channels + c] * (x + l * x_stride + c)[reverse ? away : -away];
      }
      out[l * channels + c] = silu(sum);
    }
  }
}

static void dis_selective_scan_scalar(
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

static void dis_silu_gate_scalar(
    float *y, const float *z, size_t z_stride, size_t rows, size_t columns) {
  for (size_t r = 0; r < rows; r++) {
    for (size_t c = 0; c < columns; c++) y[r * columns + c] *= silu(z[r * z_stride + c]);
  }
}

static void dis_silu_scalar(float *x, size_t count) {
  for (size_t i = 0; i < count; i++) x[i] = silu(x[i]);
}

// MARK: Dispatch

void dis_causal_conv1d_silu(
    enum dis_instructions instructions, float *out, const float *x, size_t x_stride,
    const float *weight, const float *bias, size_t tokens, size_t channels, size_t history,
    int reverse) {
  DIS_DISPATCH(
      dis_causal_conv1d_silu, out, x, x_stride, weight, bias, tokens, channels, history, reverse)
}

void dis_selective_scan(
    enum dis_instructions instructions, float *y, const float *u, const float *delta_raw,
    const float *a, const float *b, const float *c, size_t bc_stride, const float *d,
    const float *delta_bias, float *h, size_t tokens, size_t channels, int reverse,
    int accumulate) {
  DIS_DISPATCH(
      dis_selective_scan, y, u, delta_raw, a, b, c, bc_stride, d, delta_bias, h, tokens, channels,
      reverse, accumulate)
}

void dis_silu_gate(
    enum dis_instructions instructions, float *y, const float *z, size_t z_stride, size_t rows,
    size_t columns) {
  DIS_DISPATCH(dis_silu_gate, y, z, z_stride, rows, columns)
}

void dis_silu(enum dis_instructions instructions, float *x, size_t count) {
  DIS_DISPATCH(dis_silu, x, count)
}

// MARK: Norms - bound by memory, one version for all

void dis_rms_norm(
    float *out, const float *x, const float *weight, size_t rows, size_t columns, float epsilon) {
  for (size_t r = 0; r < rows; r++) {
    const float *row = x + r * columns;
    // Eight interleaved partial sums: a fixed order that the compiler can vectorise.
    double partial[8] = {0};
    size_t c = 0;
    for (; c + 8 <= columns; c += 8) {
      for (size_t i = 0; i < 8; i++) partial[i] += (double)row[c + i] * row[c + i];
    }
    for (; c < columns; c++) partial[c % 8] += (double)row[c] * row[c];
    double sum = 0;
    for (size_t i = 0; i < 8; i++) sum += partial[i];
    const float scale = (float)(1.0 / sqrt(sum / (double)columns + epsilon));
    for (c = 0; c < columns; c++) out[r * columns + c] = row[c] * scale * weight[c];
  }
}

void dis_layer_norm(float *out, const float *x, size_t rows, size_t columns, float epsilon) {
  for (size_t r = 0; r < rows; r++) {
    const float *row = x + r * columns;
    double mean = 0, variance = 0;
    for (size_t c = 0; c < columns; c++) mean += row[c];
    mean /= (double)columns;
    for (size_t c = 0; c < columns; c++) variance += (row[c] - mean) * (row[c] - mean);
    const double scale = 1.0 / sqrt(variance / (double)columns + epsilon);
    for (size_t c = 0; c < columns; c++) {
      out[r * columns + c] = (float)((row[c] - mean) * scale);
    }
  }
}
