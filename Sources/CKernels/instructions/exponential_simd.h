// Exponentials and logarithms of vectors, and the activations built from them.

#ifndef DIS_EXPONENTIAL_SIMD_H
#define DIS_EXPONENTIAL_SIMD_H

#include "vector.h"

DIS_BEGIN_KERNELS

/// Adding it to a small number rounds to an integer, which is in the low bits: 1.5 * 2^23.
#define SHIFTER 12582912.0f

/// Completes a step of all four values before the next step of any of them.
///
/// Each step of a value waits for the one before it. With the 16 registers of AVX2, the compiler
/// would place all steps of a value before those of the next to save registers, and the core cannot
/// look far enough ahead to overlap them. Taking turns makes the selective scan 11 to 15 % faster.
INLINE void finish_step(vector *x, size_t count) {
#if DIS_LANES == 8
  if (count == 4) __asm__("" : "+x"(x[0]), "+x"(x[1]), "+x"(x[2]), "+x"(x[3]));
#else
  (void)x, (void)count;
#endif
}

/// Replaces each of `count` values r by 2^r, by a minimax polynomial of degree 5 on [-1/2, 1/2],
/// with a relative error of 7.5e-8.
INLINE void exp2_of_fractions(vector *r, size_t count) {
  const float coefficients[] = {9.675541503e-03f, 5.550713275e-02f, 2.402211972e-01f,
                                6.931469671e-01f, 1.000000072e+00f};
  vector p[4];
  UNROLL for (size_t i = 0; i < count; i++) p[i] = splat(1.327647196e-03f);
  UNROLL for (size_t k = 0; k < 5; k++) {
    UNROLL for (size_t i = 0; i < count; i++) {
      p[i] = multiply_add(p[i], r[i], splat(coefficients[k]));
    }
    finish_step(p, count);
  }
  UNROLL for (size_t i = 0; i < count; i++) r[i] = p[i];
}

/// Replaces each of `count` values x <= 127 by 2^x, where `count` is at most four. The fraction of
/// x is the argument of a polynomial; the integer part is added to the exponent.
INLINE void exp2_approximate(vector *x, size_t count) {
  vector n[4];
#if DIS_LANES == 16
  UNROLL for (size_t i = 0; i < count; i++) {
    n[i] = (vector)_mm512_roundscale_ps((__m512)x[i], _MM_FROUND_TO_NEAREST_INT);
    x[i] -= n[i];
  }
  exp2_of_fractions(x, count);
  UNROLL for (size_t i = 0; i < count; i++) {
    x[i] = (vector)_mm512_scalef_ps((__m512)x[i], (__m512)n[i]);
  }
#else
  // Below -126, the result remains 2^-126.
  UNROLL for (size_t i = 0; i < count; i++) x[i] = larger(x[i], splat(-126.0f));
  finish_step(x, count);
  UNROLL for (size_t i = 0; i < count; i++) n[i] = x[i] + splat(SHIFTER);
  finish_step(n, count);
  UNROLL for (size_t i = 0; i < count; i++) x[i] -= n[i] - splat(SHIFTER);
  finish_step(x, count);
  exp2_of_fractions(x, count);
  UNROLL for (size_t i = 0; i < count; i++) {
    x[i] = (vector)((integers)x[i] + ((integers)n[i] << 23));
  }
  finish_step(x, count);
#endif
}

/// Returns the same, or NaN where `x` is NaN. The power of two of the integer part is a factor, and
/// the comparison is a single instruction.
INLINE vector exp2_or_nan(vector x) {
  x = choose(x < splat(-126.0f), splat(-126.0f), x);
  const vector shifted = x + splat(SHIFTER);
  vector p = x - (shifted - splat(SHIFTER));
  exp2_of_fractions(&p, 1);
  return p * (vector)(((integers)shifted << 23) + splat_integer(0x3f800000));
}

/// Returns e^x, with x clamped to [-87, 88]. The multiple of log(2) is subtracted in two parts, so
/// the relative error stays near 1e-7 for large |x|.
INLINE vector exp_approximate(vector x) {
  x = smaller(larger(x, splat(-87.0f)), splat(88.0f));
  const vector shifted = multiply_add(x, splat(1.44269504f), splat(SHIFTER));
  const vector n = shifted - splat(SHIFTER);
  vector r = multiply_add(n, splat(-0.693359375f), x);  // Cody & Waite
  r = multiply_add(n, splat(2.12194440e-4f), r);
  vector p = multiply_add(splat(1.9875691500e-4f), r, splat(1.3981999507e-3f));  // Cephes expf
  p = multiply_add(p, r, splat(8.3334519073e-3f));
  p = multiply_add(p, r, splat(4.1665795894e-2f));
  p = multiply_add(p, r, splat(1.6666665459e-1f));
  p = multiply_add(p, r, splat(5.0000001201e-1f));
  p = multiply_add(p, r * r, r) + 1.0f;
  return (vector)((integers)p + ((integers)shifted << 23));
}

/// Returns log(1 + e^x), or NaN if x is NaN, as max(x, 0) + log(1 + e) with e = e^-|x|. The
/// polynomial is that of log(1 + e) / e on (0, 1], with a relative error of 3.1e-8, to which
/// rounding adds 1.4e-7.
INLINE vector softplus(vector x) {
  const vector e = exp_approximate(smaller(x, -x));
  vector p = multiply_add(splat(5.232691299e-03f), e, splat(-2.950522676e-02f));
  p = multiply_add(p, e, splat(7.822593302e-02f));
  p = multiply_add(p, e, splat(-1.366324425e-01f));
  p = multiply_add(p, e, splat(1.910600662e-01f));
  p = multiply_add(p, e, splat(-2.484298199e-01f));
  p = multiply_add(p, e, splat(3.331909776e-01f));
  p = multiply_add(p, e, splat(-4.999949336e-01f));
  p = multiply_add(p, e, splat(9.999999404e-01f));
  return multiply_add(p, e, rectified(x));
}

INLINE vector silu(vector x) { return x / (1.0f + exp_approximate(-x)); }

/// Returns x / 2 * (1 + tanh(z / 2)), which is x / (1 + e^-z), for z = sqrt(8 / pi) * (x + 0.044715
/// x^3).
///
/// With u = 2^-24, the relative error of z is at most 5 u: three roundings and those of the two
/// constants. It changes the result by at most 5 u |x| max_z |z| / (4 cosh^2(z / 2)) <= 1.2 u |x|.
/// The relative error 2.5 u of the exponential changes it by at most a quarter of that times |x|,
/// and the sum and the quotient add u each. In total, the error is below 4 u |x| = 2.4e-7 |x|.
INLINE vector gelu_tanh(vector x) {
  const vector cubic = multiply_add(x * x, splat(0.0713548163f), splat(1.59576912f));
  return x / (1.0f + exp_approximate(-x * cubic));
}

/// Returns x / 2 * (1 + erf(x / sqrt(2))), as max(x, 0) - |x| * erfc(|x| / sqrt(2)) / 2, so nothing
/// cancels for negative x.
///
/// The function erfc(z) is t * p(t) * e^(-z^2) with t = 1 / (1 + 0.35 z), the form of Abramowitz &
/// Stegun, 7.1.26. The polynomial p was fitted to the scaled function by iteratively reweighted
/// least squares. It has an absolute error of 1.7e-8 in erfc, which is 3e-9 in the result.
///
/// With u = 2^-24, the product that is subtracted has a relative error of at most 16 u from t, p,
/// the exponential and the products, and x^2 / 2 u from rounding the exponent. It is at most 0.17
/// and, times x^2 / 2, at most 0.14. So the error is at most 3 u max(|x|, 1), to which the
/// difference adds u |x|. In total, the error is below 2.5e-7 max(|x|, 1).
INLINE vector gelu_erf(vector x) {
  // Beyond 20, the product is below the least normal number.
  const vector magnitude = smaller(larger(x, -x), splat(20.0f));
  const vector t = 1.0f / multiply_add(magnitude, splat(0.247487373f), splat(1.0f));
  vector p = multiply_add(splat(-0.199779585f), t, splat(0.780802310f));
  p = multiply_add(p, t, splat(-0.696919978f));
  p = multiply_add(p, t, splat(0.701081097f));
  p = multiply_add(p, t, splat(-0.0177527834f));
  p = multiply_add(p, t, splat(0.238546729f));
  p = multiply_add(p, t, splat(0.194022194f));
  const vector half = 0.5f * magnitude;
  return rectified(x) - half * t * p * exp_approximate(-half * magnitude);
}

DIS_END_KERNELS

#endif
