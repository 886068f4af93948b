#include "kernel_tests.h"

#include <math.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

// MARK: Attention

/// Tokens around a vector, a block of queries and a block of keys. Channels around a group, odd
/// ones, and those whose results take two panels.
static const struct {
  size_t tokens, heads, channels;
} sizes[] = {
    {1, 1, 1}, {2, 3, 11}, {17, 2, 16}, {5, 1, 33}, {72, 2, 24}, {51, 2, 64}, {97, 1, 72},
    {257, 1, 8}, {513, 1, 100},
};

/// `x` with the 8 significant bits of bfloat16, to nearest, ties to even.
static double rounded(double x) {
  int exponent;
  frexp(x, &exponent);
  return ldexp(nearbyint(ldexp(x, 8 - exponent)), exponent - 8);
}

/// As defined, in double.
static void attend(
    double *out, const double *qkv, double *weights, size_t tokens, size_t heads,
    size_t channels) {
  const size_t row = heads * channels;
  for (size_t at = 0; at < tokens * heads; at++) {
    const size_t l = at / heads, h = at % heads;
    const double *q = qkv + l * 3 * row + h * channels;
    double largest = -INFINITY, sum = 0;
    for (size_t r = 0; r < tokens; r++) {
      const double *k = qkv + (3 * r + 1) * row + h * channels;
      weights[r] = 0;
      for (size_t c = 0; c < channels; c++) weights[r] += q[c] * k[c];
      weights[r] /= sqrt((double)channels);
      largest = fmax(largest, weights[r]);
    }
    for (size_t r = 0; r < tokens; r++) sum += weights[r] = exp(weights[r] - largest);
    for (size_t c = 0; c < channels; c++) {
      double y = 0;
      for (size_t r = 0; r < tokens; r++) {
        y += weights[r] * qkv[(3 * r + 2) * row + h * channels + c];
      }
      out[l * row + h * channels + c] = y / sum;
    }
  }
}

/// Queries and keys are in [-2, 2), and values in [-1, 1). With u = 2^-24, the score of d products
/// has an error of at most 4 d u sqrt(d). An error e of all scores changes a mean of the values by
/// at most 2 e. The sums over L tokens add at most 2 L u, and the exponentials, the corrections and
/// the quotient at most 16 u. In bfloat16, a relative error of 2^-9 of each weight adds 2^-8.
static void test_attention(
    enum dis_instructions instructions, enum dis_precision precision, outcome *found) {
  if (precision == DIS_BFLOAT16 && dis_bfloat16_instructions(instructions) != instructions) {
    expect(found, true, "there is a replacement");
    return;
  }
  for (size_t size = 0; size < COUNT(sizes); size++) {
    const size_t tokens = sizes[size].tokens, heads = sizes[size].heads;
    const size_t channels = sizes[size].channels, count = tokens * heads * channels;
    float *qkv = random_floats(3 * count, 2);
    float *out = output(count);
    double *exact = expectations(3 * count), *expected = expectations(count);
    for (size_t i = 0; i < 3 * count; i++) {
      const bool is_value = i % (3 * heads * channels) >= 2 * heads * channels;
      if (is_value) qkv[i] /= 2;
      exact[i] = precision == DIS_BFLOAT16 ? rounded(qkv[i]) : qkv[i];
    }
    const size_t needed = dis_attention_scratch(instructions, tokens, channels, precision);
    float *scratch = output(needed > 0 ? needed : 1);
    attend(expected, exact, expectations(tokens), tokens, heads, channels);
    dis_attention(instructions, out, qkv, tokens, heads, channels, precision, scratch);
    const double d = (double)channels, l = (double)tokens;
    const double rounding = precision == DIS_BFLOAT16 ? 0x1.02p-8 : 0;
    const double bound = 0x1p-24 * (8 * d * sqrt(d) + 2 * l + 16) + rounding;
    expect_within(found, out, expected, count, bound);
    release(found);
  }
}

static void test_floats(enum dis_instructions instructions, outcome *found) {
  test_attention(instructions, DIS_FLOAT32, found);
}

static void test_bfloat16(enum dis_instructions instructions, outcome *found) {
  test_attention(instructions, DIS_BFLOAT16, found);
}

/// A NaN of a query is in the result of its token, and that of a key in all results of its head.
static void test_nan(enum dis_instructions instructions, outcome *found) {
  enum { tokens = 70, heads = 2, channels = 5, row = heads * channels };
  for (int is_key = 0; is_key < 2; is_key++) {
    float *qkv = random_floats(tokens * 3 * row, 1), *out = output(tokens * row);
    qkv[69 * 3 * row + (size_t)is_key * row + channels] = NAN;
    float *scratch =
        output(1 + dis_attention_scratch(instructions, tokens, channels, DIS_FLOAT32));
    dis_attention(instructions, out, qkv, tokens, heads, channels, DIS_FLOAT32, scratch);
    for (size_t i = 0; i < tokens * row; i++) {
      const bool is_lost = i % row >= channels && (is_key || i / row == 69);
      expect(found, isnan(out[i]) == is_lost, "NaN is elsewhere");
    }
    release(found);
  }
}

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
    {"dis_attention", EVERY_SET, test_floats},
    {"dis_attention (NaN)", EVERY_SET, test_nan},
    {"… in bfloat16", EVERY_SET, test_bfloat16},
    {"dis_gelu_tanh", EVERY_SET, test_gelu_tanh},
    {"dis_gelu_erf", EVERY_SET, test_gelu_erf},
    {0},
};
