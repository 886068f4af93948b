#include "packed_internal.h"

// MARK: Methods

bool dis_method_applies(
    enum dis_instructions instructions, enum dis_method method, dis_window w) {
  if (instructions == DIS_SCALAR) return method == DIS_DIRECT;
  switch (method) {
    case DIS_DIRECT: return true;
    case DIS_WINOGRAD: {
      const size_t rows = w.kernel_height, columns = w.kernel_width;
      return w.stride == 1 && ((rows == columns && (rows == 3 || rows == 5)) ||
                               (rows == 1 && columns == 3) || (rows == 3 && columns == 1));
    }
    case DIS_WINOGRAD_2:
    case DIS_WINOGRAD_COMPACT:
      return w.stride == 1 && w.kernel_height == 3 && w.kernel_width == 3;
    case DIS_FOURIER_7:
      return w.stride == 1 && w.kernel_height + w.kernel_width == 8 &&
             w.padding_height == w.kernel_height / 2 && w.padding_width == w.kernel_width / 2 &&
             (w.kernel_width == 7 || w.kernel_height == 7);
  }
  return false;
}

enum dis_instructions dis_bfloat16_instructions(enum dis_instructions instructions) {
#if defined(__x86_64__)
  if (instructions == DIS_AVX512 && !__builtin_cpu_supports("avx512bf16")) return DIS_AVX2;
#endif
  return instructions;
}

// MARK: Packing

size_t dis_packed_count(const dis_packed_convolution *c) {
  return dis_matrices(c) * dis_words(c, c->inputs) * dis_round_up(c->outputs, DIS_CHANNELS);
}

/// What a kernel of 3 taps along an axis is at the points 0, +-3/4, +-3/2 and infinity, divided by
/// what the product of the point's distances to the other finite ones is.
static const double winograd_3[6][3] = {
    {64.0 / 81, 0, 0},
    {-128.0 / 243, -32.0 / 81, -8.0 / 27},
    {-128.0 / 243, 32.0 / 81, -8.0 / 27},
    {32.0 / 243, 16.0 / 81, 8.0 / 27},
    {32.0 / 243, -16.0 / 81, 8.0 / 27},
    {0, 0, 1},
};

/// The same of 3 taps at 0, +-1 and infinity.
static const double winograd_3_at_4[4][3] = {
    {1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};

/// The same of 5 taps at 0, +-1, +-2, +-1/2 and infinity, an eighth of it at +-1/2.
static const double winograd_5[8][5] = {
    {1, 0, 0, 0, 0},
    {-2.0 / 9, -2.0 / 9, -2.0 / 9, -2.0 / 9, -2.0 / 9},
    {-2.0 / 9, 2.0 / 9, -2.0 / 9, 2.0 / 9, -2.0 / 9},
    {1.0 / 90, 2.0 / 90, 4.0 / 90, 8.0 / 90, 16.0 / 90},
    {1.0 / 90, -2.0 / 90, 4.0 / 90, -8.0 / 90, 16.0 / 90},
    {4.0 / 45, 2.0 / 45, 1.0 / 45, 0.5 / 45, 0.25 / 45},
    {4.0 / 45, -2.0 / 45, 1.0 / 45, -0.5 / 45, 0.25 / 45},
    {0, 0, 0, 0, 1},
};

/// An axis without a kernel.
static const double winograd_1[1] = {1};

/// How a kernel along an axis becomes values at points.
static const double *winograd_axis(enum dis_method method, size_t taps) {
  if (taps == 1) return winograd_1;
  if (method == DIS_WINOGRAD_2) return winograd_3_at_4[0];
  return taps == 3 ? winograd_3[0] : winograd_5[0];
}

/// to[i, j] = sum_{u, v} rows[i, u] * kernel[u, v] * columns[j, v].
static void transform_winograd(double *to, const double *kernel, const dis_packed_convolution *c) {
  const size_t height = c->window.kernel_height, width = c->window.kernel_width;
  const double *rows = winograd_axis(c->method, height);
  const double *columns = winograd_axis(c->method, width);
  for (size_t i = 0; i < dis_winograd_points(c->method, height); i++) {
    for (size_t j = 0; j < dis_winograd_points(c->method, width); j++) {
      double sum = 0;
      for (size_t u = 0; u < height; u++) {
        for (size_t v = 0; v < width; v++) {
          sum += rows[i * height + u] * kernel[u * width + v] * columns[j * width + v];
        }
      }
      *to++ = sum;
    }
  }
}

/// The transform of length 20 of a kernel of 7 taps, centred and reversed, over 20. For the three
/// products of a complex value c + di: d - c, c + d and c; see fourier_simd.h.
static void transform_fourier(double *to, const double *kernel) {
  const double c1 = 0.95105651629515357212, c2 = 0.80901699437494742410;
  const double c3 = 0.58778525229247312917, c4 = 0.30901699437494742410;
  const double cosines[20] = {1,  c1,  c2,  c3,  c4,  0, -c4, -c3, -c2, -c1,
                              -1, -c1, -c2, -c3, -c4, 0, c4,  c3,  c2,  c1};
  for (size_t k = 0; k <= 10; k++) {
    double c = 0, d = 0;
    for (int tap = 0; tap < 7; tap++) {
      const size_t angle = k * (size_t)(23 - tap) % 20;
      c += kernel[tap] * cosines[angle];
      d -= kernel[tap] * cosines[(angle + 15) % 20];  // The sine.
    }
    if (k % 10 == 0) {
      to[k / 10] = c / 20;
    } else {
      double *bin = to + 3 * k - 1;  // Stands for itself and its conjugate.
      bin[0] = (d - c) / 10;
      bin[1] = (c + d) / 10;
      bin[2] = c / 10;
    }
  }
}

/// The weights between one input and one output as the method takes them.
static void transform(double *to, const double *kernel, const dis_packed_convolution *c) {
  switch (c->method) {
    case DIS_DIRECT:
    case DIS_WINOGRAD_COMPACT: memcpy(to, kernel, dis_matrices(c) * sizeof *to); return;
    case DIS_WINOGRAD:
    case DIS_WINOGRAD_2: transform_winograd(to, kernel, c); return;
    case DIS_FOURIER_7: transform_fourier(to, kernel); return;
  }
}

void dis_pack(
    enum dis_instructions instructions, float *packed, const float *weight, const double *gain,
    const dis_packed_convolution *c) {
  const size_t taps = c->window.kernel_height * c->window.kernel_width, matrices = dis_matrices(c);
  const size_t groups = dis_round_up(c->outputs, DIS_CHANNELS) / DIS_CHANNELS;
  const size_t words = dis_words(c, c->inputs);
  double kernel[taps], transformed[matrices];
  // The last word of an odd depth is half empty.
  if (c->precision == DIS_BFLOAT16) memset(packed, 0, dis_packed_count(c) * sizeof *packed);
  for (size_t group = 0; group < groups;) {
    const size_t panel = dis_panel_groups(instructions, groups - group);
    const size_t width = panel * DIS_CHANNELS;
    for (size_t j = 0; j < width; j++) {
      const size_t o = group * DIS_CHANNELS + j;
      for (size_t i = 0; i < c->inputs; i++) {
        for (size_t tap = 0; tap < taps; tap++) {
          kernel[tap] = o < c->outputs ? weight[(o * c->inputs + i) * taps + tap] * gain[o] : 0;
        }
        transform(transformed, kernel, c);
        for (size_t m = 0; m < matrices; m++) {
          if (c->precision == DIS_BFLOAT16) {
            uint16_t *pair = (uint16_t *)(packed + (m * words + i / 2) * width + j);
            pair[i % 2] = dis_bfloat16(transformed[m]);
          } else {
            packed[(m * words + i) * width + j] = (float)transformed[m];
          }
        }
      }
    }
    packed += matrices * words * width;
    group += panel;
  }
}

size_t dis_packed_scratch(
    enum dis_instructions instructions, const dis_packed_convolution *c) {
  const dis_window w = c->window;
  const size_t taps = w.kernel_height * w.kernel_width;
  if (instructions == DIS_SCALAR) return 0;
  if (c->method != DIS_DIRECT) {
    const dis_tiling t = dis_tile(c);
    return t.depth + t.values * (t.v_plane + t.m_plane) + t.weights;
  }
  const size_t block = dis_block(w.out_height * w.out_width, DIS_DIRECT_BLOCK);
  const size_t table = taps * (block + DIS_TILE_ROWS) * sizeof(float *) / sizeof(float);
  const size_t converted = c->precision == DIS_BFLOAT16 ? taps * block * dis_words(c, c->inputs) : 0;
  return dis_round_up(c->inputs * w.kernel_width, 16) + table + converted;
}

// MARK: Scalar twins - the fallback, and the oracle of the tests

/// Stores a group of outputs, rectified and added to what is there as asked for.
static void finish_group(float *to, const float *sum, const dis_packed_convolution *c) {
  for (size_t j = 0; j < DIS_CHANNELS; j++) {
    const float y = c->relu && sum[j] < 0 ? 0 : sum[j];
    to[j] = c->add ? to[j] + y : y;
  }
}

/// The direct method as it is defined, a group of outputs at a time.
static void dis_convolve_packed_scalar(
    float *out, const float *x, const float *packed, const float *bias,
    const dis_packed_convolution *c, float *scratch) {
  (void)scratch;
  const dis_window w = c->window;
  const size_t taps = w.kernel_height * w.kernel_width;
  for (size_t pixel = 0; pixel < w.out_height * w.out_width; pixel++) {
    for (size_t o = 0; o < c->outputs; o += DIS_CHANNELS) {
      const float *weights = packed + o * taps * c->inputs;
      float sum[DIS_CHANNELS];
      memcpy(sum, bias + o, sizeof sum);
      for (size_t tap = 0; tap < taps; tap++, weights += c->inputs * DIS_CHANNELS) {
        const size_t y = pixel / w.out_width * w.stride + tap / w.kernel_width - w.padding_height;
        const size_t q = pixel % w.out_width * w.stride + tap % w.kernel_width - w.padding_width;
        const float *in = dis_pixel(c, x, y, q, NULL);
        if (in == NULL) continue;
        for (size_t i = 0; i < c->inputs; i++) {
          for (size_t j = 0; j < DIS_CHANNELS; j++) sum[j] += in[i] * weights[i * DIS_CHANNELS + j];
        }
      }
      finish_group(out + pixel * c->out_stride + o, sum, c);
    }
  }
}

/// The same of DIS_BFLOAT16, in the order of the vector kernels: the last bits are theirs.
static void dis_convolve_bfloat16_scalar(
    float *out, const float *x, const float *packed, const float *bias,
    const dis_packed_convolution *c, float *scratch) {
  (void)scratch;
  const dis_window w = c->window;
  const size_t taps = w.kernel_height * w.kernel_width, words = dis_words(c, c->inputs);
  for (size_t pixel = 0; pixel < w.out_height * w.out_width; pixel++) {
    for (size_t o = 0; o < c->outputs; o += DIS_CHANNELS) {
      const uint16_t *weights = (const uint16_t *)(packed + o * taps * words);
      float sum[DIS_CHANNELS];
      memcpy(sum, bias + o, sizeof sum);
      for (size_t tap = 0; tap < taps; tap++, weights += 2 * words * DIS_CHANNELS) {
        const size_t y = pixel / w.out_width * w.stride + tap / w.kernel_width - w.padding_height;
        const size_t q = pixel % w.out_width * w.stride + tap % w.kernel_width - w.padding_width;
        const float *in = dis_pixel(c, x, y, q, NULL);
        if (in == NULL) continue;
        for (size_t i = 0; i < 2 * words; i++) {
          const size_t channel = i ^ 1;  // The second of a pair comes first.
          if (channel == c->inputs) continue;
          const float value = dis_widened(dis_bfloat16(in[channel]));
          for (size_t j = 0; j < DIS_CHANNELS; j++) {
            sum[j] += value * dis_widened(weights[(i / 2 * DIS_CHANNELS + j) * 2 + channel % 2]);
          }
        }
      }
      finish_group(out + pixel * c->out_stride + o, sum, c);
    }
  }
}

static void dis_max_pool_packed_scalar(
    float *out, size_t out_stride, const float *x, size_t in_stride, size_t channels,
    dis_window w) {
  for (size_t pixel = 0; pixel < w.out_height * w.out_width; pixel++, out += out_stride) {
    for (size_t c = 0; c < channels; c++) out[c] = -INFINITY;
    for (size_t tap = 0; tap < w.kernel_height * w.kernel_width; tap++) {
      const size_t y = pixel / w.out_width * w.stride + tap / w.kernel_width - w.padding_height;
      const size_t q = pixel % w.out_width * w.stride + tap % w.kernel_width - w.padding_width;
      if (y >= w.height || q >= w.width) continue;
      const float *in = x + (y * w.width + q) * in_stride;
      for (size_t c = 0; c < channels; c++) {
        out[c] = in[c] > out[c] || in[c] != in[c] ? in[c] : out[c];
      }
    }
  }
}

static void dis_average_pool_packed_scalar(
    float *out, size_t out_stride, const float *x, size_t in_stride, const float *bias,
    size_t channels, dis_window w) {
  for (size_t pixel = 0; pixel < w.out_height * w.out_width; pixel++, out += out_stride) {
    size_t count = 0;
    for (size_t c = 0; c < channels; c++) out[c] = 0;
    for (size_t tap = 0; tap < w.kernel_height * w.kernel_width; tap++) {
      const size_t y = pixel / w.out_width * w.stride + tap / w.kernel_width - w.padding_height;
      const size_t q = pixel % w.out_width * w.stride + tap % w.kernel_width - w.padding_width;
      if (y >= w.height || q >= w.width) continue;
      const float *in = x + (y * w.width + q) * in_stride;
      count++;
      for (size_t c = 0; c < channels; c++) out[c] += in[c];
    }
    for (size_t c = 0; c < channels; c++) {
      const float mean = out[c] / (float)count;
      out[c] = bias == NULL ? mean : mean + bias[c] < 0 ? 0 : mean + bias[c];
    }
  }
}

// MARK: Peak

static float dis_multiply_add_scalar(size_t count) {
  float sums[DIS_INDEPENDENT_SUMS];
  const float x = (float)count / ((float)count + 1);
  for (size_t i = 0; i < DIS_INDEPENDENT_SUMS; i++) sums[i] = (float)i;
  for (size_t round = 0; round < count; round++) {
    for (size_t i = 0; i < DIS_INDEPENDENT_SUMS; i++) sums[i] = sums[i] * x + 0.5f;
  }
  for (size_t i = 1; i < DIS_INDEPENDENT_SUMS; i++) sums[0] += sums[i];
  return sums[0];
}

// MARK: Dispatch

void dis_convolve_packed(
    enum dis_instructions instructions, float *out, const float *x, const float *packed,
    const float *bias, const dis_packed_convolution *convolution, float *scratch) {
  if (convolution->precision == DIS_BFLOAT16) {
    DIS_DISPATCH(dis_convolve_bfloat16, out, x, packed, bias, convolution, scratch)
  } else {
    DIS_DISPATCH(dis_convolve_packed, out, x, packed, bias, convolution, scratch)
  }
}

void dis_max_pool_packed(
    enum dis_instructions instructions, float *out, size_t out_stride, const float *x,
    size_t in_stride, size_t channels, dis_window window) {
  DIS_DISPATCH(dis_max_pool_packed, out, out_stride, x, in_stride, channels, window)
}

void dis_average_pool_packed(
    enum dis_instructions instructions, float *out, size_t out_stride, const float *x,
    size_t in_stride, const float *bias, size_t channels, dis_window window) {
  DIS_DISPATCH(
      dis_average_pool_packed, out, out_stride, x, in_stride, bias, channels, window)
}

float dis_multiply_add(enum dis_instructions instructions, size_t count) {
  DIS_DISPATCH(dis_multiply_add, count)
}

size_t dis_multiply_add_operations(enum dis_instructions instructions) {
  size_t lanes = 1;
  switch (instructions) {
    case DIS_SCALAR: break;
    case DIS_NEON: lanes = 4; break;
    case DIS_AVX2: lanes = 8; break;
    case DIS_AVX512: lanes = 16; break;
  }
  return 2 * lanes * DIS_INDEPENDENT_SUMS;
}
