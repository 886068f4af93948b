#include "kernel_tests.h"

#include <math.h>

/// Counts around the interleaved sums and blocks.
static const struct {
  size_t rows, columns;
} sizes[] = {{1, 1}, {1, 2}, {2, 7}, {3, 8}, {2, 9}, {4, 16}, {5, 17}, {1, 384}, {2, 1001}};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/// The mean of values less `origin`, or of their squares.
static double mean(const float *x, size_t count, double origin, bool squared) {
  double sum = 0;
  for (size_t i = 0; i < count; i++) {
    sum += squared ? (x[i] - origin) * (x[i] - origin) : x[i] - origin;
  }
  return sum / (double)count;
}

static void test_rms_norm(enum dis_instructions none, outcome *found) {
  (void)none;
  for (size_t size = 0; size < COUNT(sizes); size++) {
    const size_t rows = sizes[size].rows, columns = sizes[size].columns;
    const float *x = random_floats(rows * columns, 5), *weight = random_floats(columns, 2);
    float *out = output(rows * columns), *in_place = output(rows * columns);
    double *expected = expectations(rows * columns);
    for (size_t i = 0; i < rows * columns; i++) {
      const double square = mean(x + i / columns * columns, columns, 0, true);
      expected[i] = x[i] / sqrt(square + 1e-5f) * weight[i % columns];
      in_place[i] = x[i];
    }
    dis_rms_norm(out, x, weight, rows, columns, 1e-5f);
    expect_each(found, out, expected, rows * columns, 3e-7);
    dis_rms_norm(in_place, in_place, weight, rows, columns, 1e-5f);
    expect_each(found, in_place, expected, rows * columns, 3e-7);
    release(found);
  }
}

static void test_layer_norm(enum dis_instructions instructions, outcome *found) {
  for (size_t size = 0; size < COUNT(sizes); size++) {
    const size_t rows = sizes[size].rows, columns = sizes[size].columns;
    const float *weight = random_floats(columns, 2), *bias = random_floats(columns, 1);
    float *x = random_floats(rows * columns, 5);
    double *expected = expectations(rows * columns);
    for (size_t i = 0; i < rows * columns; i++) x[i] += 100;
    for (int affine = 0; affine < 2; affine++) {
      float *out = output(rows * columns), *in_place = output(rows * columns);
      for (size_t i = 0; i < rows * columns; i++) {
        const float *row = x + i / columns * columns;
        const double center = mean(row, columns, 0, false);
        expected[i] = (x[i] - center) / sqrt(mean(row, columns, center, true) + 1e-6f);
        if (affine) expected[i] = expected[i] * weight[i % columns] + bias[i % columns];
        in_place[i] = x[i];
      }
      const float *gain = affine ? weight : NULL, *shift = affine ? bias : NULL;
      dis_layer_norm(instructions, out, x, gain, shift, rows, columns, 1e-6f);
      expect_close(found, out, expected, rows * columns, 3e-7);
      dis_layer_norm(instructions, in_place, in_place, gain, shift, rows, columns, 1e-6f);
      expect_close(found, in_place, expected, rows * columns, 3e-7);
    }
    release(found);
  }
}

static void test_softmax(enum dis_instructions none, outcome *found) {
  (void)none;
  for (size_t size = 0; size < COUNT(sizes); size++) {
    const size_t rows = sizes[size].rows, columns = sizes[size].columns;
    const float *from = random_floats(rows * columns, 500);
    float *x = output(rows * columns);
    double *expected = expectations(rows * columns);
    for (size_t r = 0; r < rows; r++) {
      const float *row = from + r * columns;
      double largest = -INFINITY, sum = 0;
      for (size_t c = 0; c < columns; c++) largest = fmax(largest, row[c]);
      for (size_t c = 0; c < columns; c++) sum += exp(0.125 * (row[c] - largest));
      for (size_t c = 0; c < columns; c++) {
        x[r * columns + c] = row[c];
        expected[r * columns + c] = exp(0.125 * (row[c] - largest)) / sum;
      }
    }
    dis_softmax(x, rows, columns, 0.125f);
    expect_close(found, x, expected, rows * columns, 1e-6);
    release(found);
  }
}

static void test_group_norm(enum dis_instructions instructions, outcome *found) {
  static const struct {
    size_t channels, pixels, groups;
  } cases[] = {{1, 2, 1}, {2, 5, 2}, {4, 7, 2}, {6, 33, 3}, {32, 9, 32}, {3, 4099, 1}, {52, 3, 4}};
  for (size_t i = 0; i < COUNT(cases); i++) {
    const size_t channels = cases[i].channels, pixels = cases[i].pixels, groups = cases[i].groups;
    const size_t count = channels * pixels, per_group = channels / groups;
    const float *from = random_floats(count, 3), *weight = random_floats(channels, 2);
    const float *bias = random_floats(channels, 1);
    for (int silu = 0; silu < 2; silu++) {
      float *x = output(count), *out = output(count), *group = output(per_group * pixels);
      double *expected = expectations(count);
      for (size_t k = 0; k < count; k++) x[k] = from[k] + 20;
      for (size_t first = 0; first < channels; first += per_group) {
        for (size_t k = 0; k < per_group * pixels; k++) {
          group[k] = x[k / per_group * channels + first + k % per_group];
        }
        const double center = mean(group, per_group * pixels, 0, false);
        const double scale = 1 / sqrt(mean(group, per_group * pixels, center, true) + 1e-6);
        for (size_t k = 0; k < per_group * pixels; k++) {
          const size_t channel = first + k % per_group;
          const double y = (group[k] - center) * scale * weight[channel] + bias[channel];
          expected[k / per_group * channels + channel] = silu ? y / (1 + exp(-y)) : y;
        }
      }
      dis_group_norm(instructions, out, x, weight, bias, pixels, channels, groups, 1e-6, silu);
      expect_close(found, out, expected, count, 1e-6);
      dis_group_norm(instructions, x, x, weight, bias, pixels, channels, groups, 1e-6, silu);
      expect_close(found, x, expected, count, 1e-6);
    }
    release(found);
  }
}

const test normalization_tests[] = {
    {"dis_rms_norm", ONCE, test_rms_norm},
    {"dis_layer_norm", EVERY_SET, test_layer_norm},
    {"dis_softmax", ONCE, test_softmax},
    {"dis_group_norm", EVERY_SET, test_group_norm},
    {0},
};
