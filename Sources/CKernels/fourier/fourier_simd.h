// Convolution with seven taps along lines of 17 pixels by the discrete Fourier transform.
//
// A cyclic convolution of length 20 = 17 + 3 suffices, although the line is padded with three zeros
// at both ends: the values that wrap around affect only outputs that are not used. The transform of
// 20 real values has two real values and nine complex ones, and a complex product takes three real
// products. In total, 29 products replace 7 * 17 = 119, or 107 without those outside the image. The
// transform is orthogonal, so unlike the larger minimal filters it does not lose precision.

#include "../packed/transformed_simd.h"
#include "fourier.h"

DIS_BEGIN_KERNELS

/// Returns cos(2 pi i / 20).
INLINE float cosine(size_t i) {
  static const float values[DIS_FOURIER_LENGTH] = {
      1, 0.95105651629515357f, 0.80901699437494742f, 0.58778525229247313f, 0.30901699437494742f,
      0, -0.30901699437494742f, -0.58778525229247313f, -0.80901699437494742f,
      -0.95105651629515357f, -1, -0.95105651629515357f, -0.80901699437494742f,
      -0.58778525229247313f, -0.30901699437494742f, 0, 0.30901699437494742f,
      0.58778525229247313f, 0.80901699437494742f, 0.95105651629515357f};
  return values[i % DIS_FOURIER_LENGTH];
}

/// Returns sin(2 pi i / 20).
INLINE float sine(size_t i) { return cosine(i + 15); }

/// Computes to[k] = sum_n even[n] cos(2 pi k n / 20) for k from 0 to 10, with n from 0 to 10. The
/// values of the sequence at n and 20 - n have been added.
INLINE void cosine_transform(vector *to, const vector *even) {
  // The cosine at 10 - n equals that at n, negated for odd k.
  vector sum[6], difference[5];
  UNROLL for (size_t n = 0; n < 5; n++) {
    sum[n] = even[n] + even[10 - n];
    difference[n] = even[n] - even[10 - n];
  }
  sum[5] = even[5];
  UNROLL for (size_t k = 0; k <= 10; k++) {
    to[k] = k % 2 == 0 ? sum[0] : difference[0];
    UNROLL for (size_t n = 1; n < 6; n++) {
      if (k % 2 == 0) to[k] = multiply_add(splat(cosine(k * n)), sum[n], to[k]);
      if (k % 2 == 1 && n < 5) to[k] = multiply_add(splat(cosine(k * n)), difference[n], to[k]);
    }
  }
}

/// Computes to[k] = sum_n odd[n] sin(2 pi k n / 20) for k from 1 to 9, with n from 1 to 9.
INLINE void sine_transform(vector *to, const vector *odd) {
  // The sine at 10 - n equals that at n, negated for even k.
  vector sum[6], difference[5];
  UNROLL for (size_t n = 1; n < 5; n++) {
    sum[n] = odd[n] + odd[10 - n];
    difference[n] = odd[n] - odd[10 - n];
  }
  sum[5] = odd[5];
  UNROLL for (size_t k = 1; k <= 9; k++) {
    to[k] = splat(sine(k)) * (k % 2 == 1 ? sum[1] : difference[1]);
    UNROLL for (size_t n = 2; n < 6; n++) {
      if (k % 2 == 1) to[k] = multiply_add(splat(sine(k * n)), sum[n], to[k]);
      if (k % 2 == 0 && n < 5) to[k] = multiply_add(splat(sine(k * n)), difference[n], to[k]);
    }
  }
}

/// The first pixel of a line, and the distance from a pixel to the next one.
typedef struct {
  size_t first, step;
} fourier_line;

INLINE fourier_line line_of(const dis_packed_convolution *c, size_t line) {
  const bool rows = c->window.kernel_width > 1;
  return (fourier_line){rows ? line * DIS_FOURIER_LINE : line, rows ? 1 : c->window.width};
}

/// Computes the transform of a line. Its values are stored `plane` floats apart: X[0], X[10], and
/// then for each of X[1] to X[9] the real part, the negated imaginary part, and the real part minus
/// the negated imaginary part.
static void fourier_forward(
    float *v, size_t plane, const float *x, const dis_packed_convolution *c, size_t tile,
    const float *zeros) {
  (void)zeros;
  const fourier_line line = line_of(c, tile);
  const size_t step = line.step * c->in_stride;
  x += line.first * c->in_stride;
  for (size_t channel = 0; channel < c->inputs; channel += DIS_LANES) {
    vector in[DIS_FOURIER_LINE], even[11], odd[10], real[11], imaginary[10];
    UNROLL for (size_t n = 0; n < DIS_FOURIER_LINE; n++) in[n] = load(x + n * step + channel);
    even[0] = in[0];
    even[10] = in[10];
    UNROLL for (size_t n = 1; n < 10; n++) {
      even[n] = n < 4 ? in[n] : in[n] + in[20 - n];  // The last three of 20 are 0.
      odd[n] = n < 4 ? in[n] : in[n] - in[20 - n];
    }
    cosine_transform(real, even);
    sine_transform(imaginary, odd);
    float *to = v + channel;
    store(to, real[0]);
    store(to + plane, real[10]);
    UNROLL for (size_t k = 1; k <= 9; k++) {
      float *bin = to + (3 * k - 1) * plane;
      store(bin, real[k]);
      store(bin + plane, imaginary[k]);
      store(bin + 2 * plane, real[k] - imaginary[k]);
    }
  }
}

/// Computes the outputs of a line from products that are stored `plane` floats apart. Where the
/// image has a - bi and the kernel c + di, the products are a (d - c), b (c + d) and c (a - b). The
/// real part is the third plus the second, and the imaginary part the third plus the first.
static void fourier_inverse(
    float *out, const float *m, size_t plane, size_t width, const float *bias,
    const dis_packed_convolution *c, size_t tile) {
  const fourier_line line = line_of(c, tile);
  const size_t step = line.step * c->out_stride;
  out += line.first * c->out_stride;
  for (size_t channel = 0; channel < width; channel += DIS_LANES) {
    vector real[11], imaginary[10], even[11], odd[10];
    const float *from = m + channel;
    real[0] = load(from);
    real[10] = load(from + plane);
    UNROLL for (size_t k = 1; k <= 9; k++) {
      const float *bin = from + (3 * k - 1) * plane;
      const vector common = load(bin + 2 * plane);
      real[k] = common + load(bin + plane);
      imaginary[k] = common + load(bin);
    }
    cosine_transform(even, real);
    sine_transform(odd, imaginary);
    const vector b = load(bias + channel);
    UNROLL for (size_t n = 0; n < DIS_FOURIER_LINE; n++) {
      vector y = b + even[n <= 10 ? n : 20 - n];
      if (n > 0 && n < 10) y -= odd[n];
      if (n > 10) y += odd[20 - n];
      finish(out + n * step + channel, y, c);
    }
  }
}

DIS_END_KERNELS
