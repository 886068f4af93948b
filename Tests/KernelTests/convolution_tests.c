#include <math.h>

#include "windows.h"

static void test_im2col(enum dis_instructions none, outcome *found) {
  (void)none;
  for (size_t i = 0; i < WINDOWS; i++) {
    const dis_window w = windows[i];
    const size_t channels = 1 + i % 3, taps = w.kernel_height * w.kernel_width;
    const float *x = random_floats(channels * w.height * w.width, 1);
    const size_t first = i % w.out_height, rows = w.out_height - first;
    const size_t pixels = rows * w.out_width, count = channels * taps * pixels;
    float *columns = output(count);
    double *expected = expectations(count);
    for (size_t at = 0; at < count; at++) {
      const size_t c = at / pixels / taps, tap = at / pixels % taps, pixel = at % pixels;
      const size_t row = position(
          first + pixel / w.out_width, tap / w.kernel_width, w.stride, w.padding_height);
      const size_t column = position(
          pixel % w.out_width, tap % w.kernel_width, w.stride, w.padding_width);
      const bool inside = row < w.height && column < w.width;
      expected[at] = inside ? x[(c * w.height + row) * w.width + column] : 0;
    }
    dis_im2col(columns, x, channels, w, first, rows);
    expect_each(found, columns, expected, count, 1e-30);
    release(found);
  }
}

static void test_add_bias(enum dis_instructions none, outcome *found) {
  (void)none;
  for (size_t columns = 1; columns < 40; columns += 3) {
    const size_t rows = 1 + columns % 4, stride = columns + columns % 5;
    const float *from = random_floats(rows * columns, 1), *bias = random_floats(rows, 1);
    for (int relu = 0; relu < 2; relu++) {
      float *out = output(rows * stride);
      for (size_t r = 0; r < rows; r++) {
        double *expected = expectations(columns);
        for (size_t c = 0; c < columns; c++) {
          out[r * stride + c] = from[r * columns + c];
          const float sum = from[r * columns + c] + bias[r];
          expected[c] = relu && sum < 0 ? 0 : sum;
        }
        if (r + 1 == rows) dis_add_bias(out, bias, rows, columns, stride, relu);
        if (r + 1 == rows) expect_each(found, out + r * stride, expected, columns, 1e-30);
      }
      for (size_t r = 0; r < rows; r++) {
        expect_untouched(found, out + r * stride + columns, stride - columns);
      }
    }
    release(found);
  }
  float x = NAN, zero = 0;
  dis_add_bias(&x, &zero, 1, 1, 1, true);
  expect(found, isnan(x), "NaN is rectified away");
}

static void test_pools(enum dis_instructions none, outcome *found) {
  (void)none;
  for (size_t i = 0; i < WINDOWS; i++) {
    const dis_window w = windows[i];
    const size_t channels = 1 + i % 3, pixels = w.out_height * w.out_width;
    float *x = random_floats(channels * w.height * w.width, 1);
    if (i % 2 == 1) x[random_below(channels * w.height * w.width)] = NAN;
    float *largest = output(channels * pixels), *mean = output(channels * pixels);
    double *expected_largest = expectations(channels * pixels);
    double *expected_mean = expectations(channels * pixels);
    for (size_t at = 0; at < channels * pixels; at++) {
      const float *channel = x + at / pixels * w.height * w.width;
      const size_t pixel = at % pixels;
      const summary s = summarize(channel, 1, w, pixel / w.out_width, pixel % w.out_width);
      expected_largest[at] = s.largest;
      expected_mean[at] = s.sum / (double)s.count;
    }
    dis_max_pool(largest, x, channels, w);
    expect_close(found, largest, expected_largest, channels * pixels, 1e-30);
    dis_average_pool(mean, x, channels, w);
    expect_close(found, mean, expected_mean, channels * pixels, 3e-7);
    release(found);
  }
}

const test convolution_tests[] = {
    {"dis_im2col", ONCE, test_im2col},
    {"dis_add_bias", ONCE, test_add_bias},
    {"dis_max_pool, dis_average_pool", ONCE, test_pools},
    {0},
};
