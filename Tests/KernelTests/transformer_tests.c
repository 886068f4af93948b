#include "kernel_tests.h"

#include <math.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

// MARK: GELU

/// The error over max(|x|, 1) is at most 3e-7 for |x| < 30, past which only rounding is left.
static void test_gelu(
    void (*gelu)(enum dis_instructions, float *, size_t), double (*definition)(double),
    enum dis_instructions instructions, outcome *found) {
  static const size_t counts[] = {1, 3, 4, 7, 8, 15, 17, 33, 20001};
  for (size_t i = 0; i < COUNT(counts); i++) {
    float *x = output(counts[i]);
    double *expected = expectations(counts[i]), *range = expectations(counts[i]);
    for (size_t k = 0; k < counts[i]; k++) {
      x[k] = (float)(k % 2 == 0 ? 1 : -1) * 30 * (float)k / (float)counts[i];
      range[k] = fmax(fabs(x[k]), 1);
      expected[k] = definition(x[k]) / range[k];
    }
    gelu(instructions, x, counts[i]);
    for (size_t k = 0; k < counts[i]; k++) {
      const float scaled = (float)(x[k] / range[k]);
      expect_within(found, &scaled, expected + k, 1, 3e-7 + 0x1p-24);
    }
    release(found);
  }
  float *x = output(4);
  const float special[] = {NAN, INFINITY, 1e20f, -1e20f};
  memcpy(x, special, sizeof special);
  gelu(instructions, x, 4);
  expect(found, isnan(x[0]), "NaN is lost");
  expect(found, x[1] == INFINITY && x[2] == 1e20f, "large values are changed");
  expect(found, fabsf(x[3]) <= 3e-7f * 1e20f, "large negative values remain");
}

static double gelu_tanh(double x) {
  return x / 2 * (1 + tanh(sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x)));
}

static double gelu_erf(double x) { return x / 2 * (1 + erf(x / sqrt(2))); }

static void test_gelu_tanh(enum dis_instructions instructions, outcome *found) {
  test_gelu(dis_gelu_tanh, gelu_tanh, instructions, found);
}

static void test_gelu_erf(enum dis_instructions instructions, outcome *found) {
  test_gelu(dis_gelu_erf, gelu_erf, instructions, found);
}

const test transformer_tests[] = {
    {"dis_gelu_tanh", EVERY_SET, test_gelu_tanh},
    {"dis_gelu_erf", EVERY_SET, test_gelu_erf},
    {0},
};
