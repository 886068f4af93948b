#include "kernel_tests.h"

#include <math.h>

/// Lengths around a vector of each instruction set and around a block of tokens.
static const struct {
  size_t tokens, channels;
} sizes[] = {{1, 1}, {2, 3}, {3, 4}, {2, 5}, {3, 8}, {5, 15}, {47, 16}, {48, 17}, {49, 33}, {97, 66}};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static double silu(double x) { return x / (1 + exp(-x)); }

static void test_convolution(enum dis_instructions instructions, outcome *found) {
  for (size_t size = 0; size < COUNT(sizes); size++) {
    const size_t tokens = sizes[size].tokens, channels = sizes[size].channels;
    const size_t stride = channels + random_below(3) * channels;
    const float *x = random_floats((tokens - 1) * stride + channels, 3);
    const float *weight = random_floats(DIS_TAPS * channels, 1), *bias = random_floats(channels, 1);
    for (int reverse = 0; reverse < 2; reverse++) {
      float *out = output(tokens * channels);
      double *expected = expectations(tokens * channels);
      for (size_t l = 0; l < tokens; l++) {
        for (size_t c = 0; c < channels; c++) {
          double sum = bias[c];
          for (size_t k = 0; k < DIS_TAPS; k++) {
            const size_t from = reverse ? l + 3 - k : l - 3 + k;  // Wraps around before the first.
            if (from < tokens) sum += (double)weight[k * channels + c] * x[from * stride + c];
          }
          expected[l * channels + c] = silu(sum);
        }
      }
      // The whole, and in two parts.
      for (size_t first = 0; first < tokens; first += 1 + first / 2) {
        const size_t before = reverse ? tokens - first : first, after = reverse ? 0 : first;
        for (size_t i = 0; i < tokens * channels; i++) out[i] = NAN;
        dis_causal_conv1d_silu(
            instructions, out + (reverse ? before * channels : 0),
            x + (reverse ? before * stride : 0), stride, weight, bias, first, channels, 0,
            reverse);
        dis_causal_conv1d_silu(
            instructions, out + after * channels, x + after * stride, stride, weight, bias,
            tokens - first, channels, first, reverse);
        expect_close(found, out, expected, tokens * channels, 1e-6);
      }
    }
    release(found);
  }
}

/// The recurrence in double, beginning with what is in `y`.
static void scan(
    double *y, const float *u, const float *delta_raw, const float *a, const float *b,
    const float *c, size_t bc_stride, const float *d, const float *delta_bias, size_t tokens,
    size_t channels, int reverse) {
  for (size_t channel = 0; channel < channels; channel++) {
    double h[DIS_STATES] = {0};
    for (size_t step = 0; step < tokens; step++) {
      const size_t l = reverse ? tokens - 1 - step : step, at = l * channels + channel;
      const double raw = delta_raw[at] + delta_bias[channel];
      const double delta = raw > 20 ? raw : log1p(exp(raw));
      double sum = (double)d[channel] * u[at];
      for (size_t n = 0; n < DIS_STATES; n++) {
        h[n] = exp2(delta * a[n * channels + channel]) * h[n] +
               delta * u[at] * b[l * bc_stride + n];
        sum += c[l * bc_stride + n] * h[n];
      }
      y[at] += sum;
    }
  }
}

static void test_scan(enum dis_instructions instructions, outcome *found) {
  for (size_t size = 0; size < COUNT(sizes); size++) {
    const size_t tokens = sizes[size].tokens, channels = sizes[size].channels;
    const size_t count = tokens * channels, rank = 3, stride = rank + 2 * DIS_STATES;
    const float *u = random_floats(count, 2), *delta_raw = random_floats(count, 3);
    const float *projections = random_floats(tokens * stride, 1);
    const float *b = projections + rank, *c = b + DIS_STATES, *d = random_floats(channels, 1);
    const float *before = random_floats(count, 1);
    float *a = random_floats(DIS_STATES * channels, 8), *bias = random_floats(channels, 2);
    for (size_t i = 0; i < DIS_STATES * channels; i++) a[i] = -fabsf(a[i]);
    bias[0] = 21;  // Above the threshold of softplus.
    for (int variant = 0; variant < 4; variant++) {
      const int reverse = variant & 1, accumulate = variant >> 1;
      float *y = output(count);
      double *expected = expectations(count);
      for (size_t i = 0; i < count; i++) {
        if (accumulate) y[i] = before[i];
        expected[i] = accumulate ? before[i] : 0;
      }
      scan(
          expected, u, delta_raw, a, b, c, stride, d, bias, tokens, channels, reverse);
      // In two parts.
      const size_t part = (size_t)variant * tokens / 4;
      const size_t one = reverse ? tokens - part : 0, other = reverse ? 0 : part;
      float *h = output(DIS_STATES * channels);
      for (size_t i = 0; i < DIS_STATES * channels; i++) h[i] = 0;
      dis_selective_scan(
          instructions, y + one * channels, u + one * channels, delta_raw + one * channels, a,
          b + one * stride, c + one * stride, stride, d, bias, h, part, channels, reverse,
          accumulate);
      dis_selective_scan(
          instructions, y + other * channels, u + other * channels, delta_raw + other * channels,
          a, b + other * stride, c + other * stride, stride, d, bias, h, tokens - part, channels,
          reverse, accumulate);
      expect_close(found, y, expected, count, 3e-6);
    }
    release(found);
  }
}

static void test_scan_nan(enum dis_instructions instructions, outcome *found) {
  const size_t tokens = 3, channels = 21, stride = 2 * DIS_STATES;
  float *delta_raw = random_floats(tokens * channels, 1), *y = output(tokens * channels);
  delta_raw[channels + 5] = NAN;
  delta_raw[channels + 20] = NAN;  // Past the last whole vector.
  float *a = random_floats(DIS_STATES * channels, 1);
  const float *u = random_floats(tokens * channels, 1), *bc = random_floats(tokens * stride, 1);
  const float *d = random_floats(channels, 1), *bias = random_floats(channels, 1);
  float *h = output(DIS_STATES * channels);
  for (size_t i = 0; i < DIS_STATES * channels; i++) h[i] = 0;
  dis_selective_scan(
      instructions, y, u, delta_raw, a, bc, bc + DIS_STATES, stride, d, bias, h, tokens, channels,
      0, 0);
  for (size_t i = 0; i < tokens * channels; i++) {
    const size_t channel = i % channels;
    const bool wrong = i >= channels && (channel == 5 || channel == 20);
    expect(found, (isnan(y[i]) != 0) == wrong, "NaN is lost or spreads");
  }
}

static void test_gate(enum dis_instructions instructions, outcome *found) {
  for (size_t columns = 1; columns < 40; columns += 3) {
    const size_t rows = 1 + columns % 4, stride = columns + columns % 5;
    const float *z = random_floats((rows - 1) * stride + columns, 30);
    const float *factor = random_floats(rows * columns, 2);
    float *y = output(rows * columns);
    double *expected = expectations(rows * columns);
    for (size_t i = 0; i < rows * columns; i++) {
      y[i] = factor[i];
      expected[i] = factor[i] * silu(z[i / columns * stride + i % columns]);
    }
    dis_silu_gate(instructions, y, z, stride, rows, columns);
    expect_each(found, y, expected, rows * columns, 4e-7);
    release(found);
  }
}

static void test_silu(enum dis_instructions instructions, outcome *found) {
  for (size_t count = 1; count < 700; count += count < 20 ? 1 : 217) {
    float *x = output(count);
    double *expected = expectations(count);
    for (size_t i = 0; i < count; i++) {
      // The whole range in which the result is a normal number.
      x[i] = count == 1 ? 1 : -80 + 200 * (float)i / (float)(count - 1);
      expected[i] = silu(x[i]);
    }
    dis_silu(instructions, x, count);
    expect_each(found, x, expected, count, 4e-7);
    release(found);
  }
  float *x = output(5);
  for (size_t i = 0; i < 5; i++) x[i] = i == 4 ? NAN : 0;
  dis_silu(instructions, x, 5);
  expect(found, isnan(x[4]) && x[0] == 0, "NaN is lost or spreads");
}

const test mamba_tests[] = {
    {"dis_causal_conv1d_silu", EVERY_SET, test_convolution},
    {"dis_selective_scan", EVERY_SET, test_scan},
    {"dis_selective_scan (NaN)", EVERY_SET, test_scan_nan},
    {"dis_silu_gate", EVERY_SET, test_gate},
    {"dis_silu", EVERY_SET, test_silu},
    {0},
};
