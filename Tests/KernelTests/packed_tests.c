#include <math.h>
#include <string.h>

#include "windows.h"

/// Convolutions from one group of channels to more than any panel; images that are smaller than a
/// tile, that end within one, and that are larger than a block.
static const struct {
  enum dis_method method;
  size_t kernel_height, kernel_width, stride, padding_height, padding_width;
  size_t inputs, outputs, height, width;
  size_t gap;  // Groups of other channels between one pixel and the next.
} cases[] = {
    {DIS_DIRECT, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0},
    {DIS_DIRECT, 1, 1, 1, 0, 0, 70, 81, 5, 7, 0},
    {DIS_DIRECT, 1, 1, 1, 0, 0, 3, 145, 3, 2, 1},
    {DIS_DIRECT, 3, 3, 1, 1, 1, 17, 33, 13, 15, 0},
    {DIS_DIRECT, 3, 3, 2, 0, 0, 16, 97, 9, 9, 0},
    {DIS_DIRECT, 3, 3, 2, 1, 1, 5, 160, 4, 7, 1},
    {DIS_DIRECT, 5, 5, 1, 2, 2, 5, 1, 7, 7, 0},
    {DIS_DIRECT, 1, 7, 1, 0, 3, 4, 20, 2, 6, 0},
    {DIS_DIRECT, 4, 3, 3, 2, 0, 7, 48, 11, 8, 2},
    {DIS_WINOGRAD, 3, 3, 1, 1, 1, 1, 1, 1, 1, 0},
    {DIS_WINOGRAD, 3, 3, 1, 0, 0, 3, 5, 3, 11, 0},
    {DIS_WINOGRAD, 3, 3, 1, 2, 2, 20, 81, 9, 4, 1},
    {DIS_WINOGRAD, 3, 3, 1, 1, 1, 17, 33, 35, 34, 0},
    {DIS_WINOGRAD_COMPACT, 3, 3, 1, 1, 1, 1, 1, 1, 1, 0},
    {DIS_WINOGRAD_COMPACT, 3, 3, 1, 0, 0, 3, 5, 3, 11, 0},
    {DIS_WINOGRAD_COMPACT, 3, 3, 1, 2, 2, 20, 81, 9, 4, 1},
    {DIS_WINOGRAD_COMPACT, 3, 3, 1, 1, 1, 17, 33, 78, 70, 0},
    {DIS_WINOGRAD, 1, 3, 1, 0, 1, 5, 19, 2, 13, 0},
    {DIS_WINOGRAD, 3, 1, 1, 1, 0, 33, 81, 9, 8, 1},
    {DIS_WINOGRAD, 5, 5, 1, 0, 0, 3, 2, 5, 5, 0},
    {DIS_WINOGRAD, 5, 5, 1, 2, 2, 18, 65, 13, 7, 1},
    {DIS_WINOGRAD_2, 3, 3, 1, 1, 1, 1, 1, 1, 1, 0},
    {DIS_WINOGRAD_2, 3, 3, 1, 0, 0, 3, 5, 3, 12, 0},
    {DIS_WINOGRAD_2, 3, 3, 1, 2, 2, 20, 81, 9, 4, 1},
    {DIS_WINOGRAD_2, 3, 3, 1, 1, 1, 33, 65, 8, 8, 0},
    {DIS_WINOGRAD_HALVING, 3, 3, 2, 1, 1, 1, 1, 1, 1, 0},
    {DIS_WINOGRAD_HALVING, 3, 3, 2, 0, 0, 3, 5, 3, 12, 0},
    {DIS_WINOGRAD_HALVING, 3, 3, 2, 2, 2, 20, 81, 9, 4, 1},
    {DIS_WINOGRAD_HALVING, 3, 3, 2, 0, 0, 33, 65, 13, 7, 0},
    {DIS_WINOGRAD_HALVING, 3, 3, 2, 1, 0, 17, 33, 78, 70, 0},
    {DIS_FOURIER_7, 1, 7, 1, 0, 3, 1, 1, 1, 17, 0},
    {DIS_FOURIER_7, 1, 7, 1, 0, 3, 33, 81, 17, 17, 0},
    {DIS_FOURIER_7, 7, 1, 1, 3, 0, 17, 145, 17, 17, 1},
    {DIS_FOURIER_7, 7, 1, 1, 3, 0, 5, 3, 17, 50, 0},
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/// As defined. `out` is [pixels, groups of outputs]; past the last output are zeros.
static void convolve(
    double *out, size_t out_width, const float *x, const float *weight, const double *gain,
    const float *bias, const dis_packed_convolution *c) {
  const dis_window w = c->window;
  const size_t taps = w.kernel_height * w.kernel_width;
  for (size_t at = 0; at < w.out_height * w.out_width * out_width; at++) {
    const size_t pixel = at / out_width, o = at % out_width;
    out[at] = 0;
    if (o >= c->outputs) continue;
    for (size_t tap = 0; tap < taps; tap++) {
      const size_t i = position(
          pixel / w.out_width, tap / w.kernel_width, w.stride, w.padding_height);
      const size_t j = position(
          pixel % w.out_width, tap % w.kernel_width, w.stride, w.padding_width);
      if (i >= w.height || j >= w.width) continue;
      const size_t scale = c->doubled ? 2 : 1;
      const float *in = x + (i / scale * (w.width / scale) + j / scale) * c->in_stride;
      for (size_t k = 0; k < c->inputs; k++) {
        out[at] += (double)weight[(o * c->inputs + k) * taps + tap] * in[k];
      }
    }
    out[at] = out[at] * gain[o] + bias[o];
    if (c->relu && out[at] < 0) out[at] = 0;
  }
}

static size_t groups(size_t channels) {
  return (channels + DIS_CHANNELS - 1) / DIS_CHANNELS * DIS_CHANNELS;
}

/// `x` with the 8 significant bits of bfloat16, to nearest, ties to even.
static double rounded(double x) {
  int exponent;
  frexp(x, &exponent);
  return ldexp(nearbyint(ldexp(x, 8 - exponent)), exponent - 8);
}

/// In DIS_BFLOAT16 the direct method is compared with the definition of rounded numbers.
static void test_method(
    enum dis_instructions instructions, enum dis_method method, enum dis_precision precision,
    double bound, outcome *found) {
  for (size_t i = 0; i < COUNT(cases); i++) {
    if (cases[i].method != method) continue;
    dis_window w = {
        .height = cases[i].height, .width = cases[i].width,
        .kernel_height = cases[i].kernel_height, .kernel_width = cases[i].kernel_width,
        .stride = cases[i].stride, .padding_height = cases[i].padding_height,
        .padding_width = cases[i].padding_width};
    w.out_height = (w.height + 2 * w.padding_height - w.kernel_height) / w.stride + 1;
    w.out_width = (w.width + 2 * w.padding_width - w.kernel_width) / w.stride + 1;
    expect(found, dis_method_applies(instructions, method, w), "the method does not apply");

    const size_t inputs = cases[i].inputs, outputs = cases[i].outputs, written = groups(outputs);
    const size_t gap = cases[i].gap * DIS_CHANNELS;
    // The direct method alone takes pixels of any number of channels and reads nothing behind them.
    const bool tight = method == DIS_DIRECT && gap == 0;
    const size_t read = tight ? inputs : groups(inputs);
    dis_packed_convolution c = {
        .window = w, .inputs = inputs, .outputs = outputs, .in_stride = read + gap,
        .out_stride = written + gap, .method = method, .precision = precision};
    const size_t taps = w.kernel_height * w.kernel_width, pixels = w.out_height * w.out_width;
    const size_t size = (w.height * w.width - 1) * c.in_stride + read;
    float *x = random_floats(size, 1);
    float *weight = random_floats(outputs * inputs * taps, 1);
    float *bias = random_floats(written, 1);
    for (size_t o = outputs; o < written; o++) bias[o] = 0;
    double *gain = expectations(outputs);
    for (size_t o = 0; o < outputs; o++) gain[o] = 0.5 + (double)(o % 7) / 3;

    float *packed = output(dis_packed_count(&c));
    dis_pack(instructions, packed, weight, gain, &c);
    float *multiplied = x;
    if (precision == DIS_BFLOAT16 && method == DIS_DIRECT) {
      multiplied = random_floats(size, 1);
      for (size_t at = 0; at < size; at++) multiplied[at] = (float)rounded(x[at]);
      for (size_t at = 0; at < outputs * inputs * taps; at++) {
        weight[at] = (float)rounded(weight[at] * gain[at / (inputs * taps)]);
      }
      for (size_t o = 0; o < outputs; o++) gain[o] = 1;
    }
    for (int variant = 0; variant < 8; variant++) {
      c.relu = variant & 1;
      c.add = variant & 2;
      c.doubled = variant & 4;
      if (c.doubled && (w.height % 2 != 0 || w.width % 2 != 0)) continue;
      const size_t count = dis_packed_scratch(instructions, &c);
      float *scratch = output(count > 0 ? count : 1);
      float *out = output((pixels - 1) * c.out_stride + written);
      double *expected = expectations(pixels * written);
      float *dense = random_floats(pixels * written, 1);
      convolve(expected, written, multiplied, weight, gain, bias, &c);
      for (size_t at = 0; at < pixels * written && c.add; at++) {
        out[at / written * c.out_stride + at % written] = dense[at];
        expected[at] += dense[at];
      }
      dis_convolve_packed(instructions, out, x, packed, bias, &c, scratch);
      for (size_t pixel = 0; pixel < pixels; pixel++) {
        memcpy(dense + pixel * written, out + pixel * c.out_stride, written * sizeof *out);
        if (pixel + 1 == pixels) continue;
        expect_untouched(found, out + pixel * c.out_stride + written, gap);
      }
      expect_close(found, dense, expected, pixels * written, bound);
    }
    release(found);
  }
}

static void test_direct(enum dis_instructions instructions, outcome *found) {
  test_method(instructions, DIS_DIRECT, DIS_FLOAT32, 1e-6, found);
}

static void test_direct_bfloat16(enum dis_instructions instructions, outcome *found) {
  test_method(
      dis_bfloat16_instructions(instructions), DIS_DIRECT, DIS_BFLOAT16, 1e-6, found);
}

static void test_winograd(enum dis_instructions instructions, outcome *found) {
  test_method(instructions, DIS_WINOGRAD, DIS_FLOAT32, 3e-6, found);
  test_method(instructions, DIS_WINOGRAD_COMPACT, DIS_FLOAT32, 3e-6, found);
}

static void test_winograd_2(enum dis_instructions instructions, outcome *found) {
  test_method(instructions, DIS_WINOGRAD_2, DIS_FLOAT32, 1e-6, found);
  test_method(instructions, DIS_WINOGRAD_HALVING, DIS_FLOAT32, 1e-6, found);
}

static void test_fourier(enum dis_instructions instructions, outcome *found) {
  test_method(instructions, DIS_FOURIER_7, DIS_FLOAT32, 1e-6, found);
}

static void test_fourier_bfloat16(enum dis_instructions instructions, outcome *found) {
  test_method(
      dis_bfloat16_instructions(instructions), DIS_FOURIER_7, DIS_BFLOAT16, 4e-3, found);
}

static void test_nan(enum dis_instructions instructions, outcome *found) {
  dis_packed_convolution c = {
      .window = {1, 1, 1, 1, 1, 0, 0, 1, 1}, .inputs = 1, .outputs = 1, .in_stride = 1,
      .out_stride = DIS_CHANNELS, .relu = true, .method = DIS_DIRECT};
  const float x = NAN, weight = 1;
  const double gain = 1;
  float *packed = output(dis_packed_count(&c)), *out = output(DIS_CHANNELS);
  float *bias = random_floats(DIS_CHANNELS, 1);
  memset(bias, 0, DIS_CHANNELS * sizeof *bias);
  dis_pack(instructions, packed, &weight, &gain, &c);
  dis_convolve_packed(
      instructions, out, &x, packed, bias, &c, output(dis_packed_scratch(instructions, &c) + 1));
  expect(found, isnan(out[0]), "NaN is rectified away");
}

/// What applies to what, by hand.
static void test_applies(enum dis_instructions instructions, outcome *found) {
  static const struct {
    size_t kernel_height, kernel_width, stride, padding_height, padding_width;
    bool winograd, fourier;
  } kernels[] = {
      {1, 1, 1, 0, 0, false, false}, {3, 3, 1, 1, 1, true, false}, {3, 3, 2, 1, 1, false, false},
      {5, 5, 1, 2, 2, true, false},  {1, 3, 1, 0, 1, true, false}, {3, 1, 1, 1, 0, true, false},
      {3, 5, 1, 1, 2, false, false}, {1, 7, 1, 0, 3, false, true}, {7, 1, 1, 3, 0, false, true},
      {1, 7, 1, 0, 0, false, false}, {7, 7, 1, 3, 3, false, false}, {7, 1, 2, 3, 0, false, false},
  };
  const bool vectors = instructions != DIS_SCALAR;
  for (size_t i = 0; i < COUNT(kernels); i++) {
    const dis_window w = {
        .height = 17, .width = 17, .kernel_height = kernels[i].kernel_height,
        .kernel_width = kernels[i].kernel_width, .stride = kernels[i].stride,
        .padding_height = kernels[i].padding_height, .padding_width = kernels[i].padding_width};
    expect(found, dis_method_applies(instructions, DIS_DIRECT, w), "direct does not apply");
    expect(
        found,
        dis_method_applies(instructions, DIS_WINOGRAD, w) == (vectors && kernels[i].winograd) &&
            dis_method_applies(instructions, DIS_WINOGRAD_2, w) ==
                (vectors && kernels[i].winograd && w.kernel_height * w.kernel_width == 9) &&
            dis_method_applies(instructions, DIS_FOURIER_7, w) == (vectors && kernels[i].fourier),
        "a method applies to other kernels");
  }
}

static void test_pools(enum dis_instructions instructions, outcome *found) {
  for (size_t i = 0; i < WINDOWS; i++) {
    const dis_window w = windows[i];
    const size_t channels = (1 + i % 3) * DIS_CHANNELS, pixels = w.out_height * w.out_width;
    const size_t gap = i % 2 * DIS_CHANNELS, in_stride = channels + gap;
    const size_t out_stride = channels + 2 * gap, size = (pixels - 1) * out_stride + channels;
    float *x = random_floats((w.height * w.width - 1) * in_stride + channels, 1);
    const float *bias = random_floats(channels, 0.1f);
    if (i > 4) x[random_below(w.height * w.width) * in_stride + 5] = NAN;
    float *out[] = {output(size), output(size), output(size)};
    dis_max_pool_packed(instructions, out[0], out_stride, x, in_stride, channels, w);
    dis_average_pool_packed(instructions, out[1], out_stride, x, in_stride, NULL, channels, w);
    dis_average_pool_packed(instructions, out[2], out_stride, x, in_stride, bias, channels, w);
    for (size_t pixel = 0; pixel < pixels; pixel++) {
      double *expected[] = {
          expectations(channels), expectations(channels), expectations(channels)};
      for (size_t c = 0; c < channels; c++) {
        const summary s = summarize(
            x + c, in_stride, w, pixel / w.out_width, pixel % w.out_width);
        const double mean = s.sum / (double)s.count;
        expected[0][c] = s.largest;
        expected[1][c] = mean;
        expected[2][c] = mean + bias[c] < 0 ? 0 : mean + bias[c];
      }
      for (size_t kind = 0; kind < 3; kind++) {
        const float *values = out[kind] + pixel * out_stride;
        expect_close(found, values, expected[kind], channels, kind == 0 ? 1e-30 : 3e-7);
        if (pixel + 1 < pixels) expect_untouched(found, values + channels, 2 * gap);
      }
    }
    release(found);
  }
}

static void test_multiply_add(enum dis_instructions instructions, outcome *found) {
  for (size_t count = 0; count < 40; count += 13) {
    double expected = 0;
    for (size_t i = 0; i < 12; i++) {
      double sum = (double)i;
      for (size_t round = 0; round < count; round++) {
        sum = sum * (double)count / ((double)count + 1) + 0.5;
      }
      expected += sum;
    }
    const float got = dis_multiply_add(instructions, count);
    expect_close(found, &got, &expected, 1, 3e-6);
  }
  expect(
      found, dis_multiply_add_operations(instructions) % (2 * 12) == 0, "not a multiple of 12 sums");
}

const test packed_tests[] = {
    {"dis_method_applies", EVERY_SET, test_applies},
    {"dis_convolve_packed (direct)", EVERY_SET, test_direct},
    {"dis_convolve_packed (NaN)", EVERY_SET, test_nan},
    {"dis_convolve_packed (Winograd)", VECTORS, test_winograd},
    {"dis_convolve_packed (Winograd, 2)", VECTORS, test_winograd_2},
    {"dis_convolve_packed (Fourier)", VECTORS, test_fourier},
    {"… in bfloat16 (direct)", EVERY_SET, test_direct_bfloat16},
    {"… in bfloat16 (Fourier)", VECTORS, test_fourier_bfloat16},
    {"dis_max_pool_packed, dis_average_…", EVERY_SET, test_pools},
    {"dis_multiply_add", EVERY_SET, test_multiply_add},
    {0},
};
