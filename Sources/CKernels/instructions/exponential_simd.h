// Exponentials and logarithms of vectors, and the activations built from them.

#ifndef DIS_EXPONENTIAL_SIMD_H
#define DIS_EXPONENTIAL_SIMD_H

#include "vector.h"

DIS_BEGIN_KERNELS

/// Returns 2^x for x <= 127. The fraction of x is the argument of a minimax polynomial of degree 5
/// on [-1/2, 1/2], with a relative error of 7.5e-8; the integer part is added to the exponent.
/// Below -126, the result remains 2^-126, which is negligible compared with a state of ordinary
/// size.
INLINE vector exp2_approximate(vector x) {
  x = larger(x, splat(-126.0f));
  const vector shifter = splat(12582912.0f);  // 1.5 * 2^23. Adding it rounds to an integer.
  const vector shifted = x + shifter;
  const vector r = x - (shifted - shifter);
  vector p = multiply_add(splat(1.327647196e-03f), r, splat(9.675541503e-03f));
  p = multiply_add(p, r, splat(5.550713275e-02f));
  p = multiply_add(p, r, splat(2.402211972e-01f));
  p = multiply_add(p, r, splat(6.931469671e-01f));
  p = multiply_add(p, r, splat(1.000000072e+00f));
  return (vector)((integers)p + ((integers)shifted << 23));
}

/// Returns e^x, with x clamped to [-87, 88]. The multiple of log(2) is subtracted in two parts, so
/// the relative error stays near 1e-7 for large |x|.
INLINE vector exp_approximate(vector x) {
  x = smaller(larger(x, splat(-87.0f)), splat(88.0f));
  const vector shifter = splat(12582912.0f);
  const vector shifted = multiply_add(x, splat(1.44269504f), shifter);
  const vector n = shifted - shifter;
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

/// Returns log(1 + e) for e >= 0, as the logarithm of w = fl(1 + e), plus (e - (w - 1)) / w for the
/// part lost by rounding the sum. The logarithm of w is k log(2) plus a polynomial of the mantissa,
/// which is in [3/4, 3/2).
INLINE vector log1p_approximate(vector e) {
  const vector w = e + 1.0f;
  const vector correction = (e - (w - 1.0f)) / w;
  const integers offset = (integers)w - 0x3f400000;
  const vector k = __builtin_convertvector(offset >> 23, vector);
  const vector s = (vector)((offset & 0x7fffff) + 0x3f400000) - 1.0f;
  vector p = multiply_add(splat(5.411175239e-02f), s, splat(-1.207672387e-01f));
  p = multiply_add(p, s, splat(1.499450023e-01f));
  p = multiply_add(p, s, splat(-1.682431253e-01f));
  p = multiply_add(p, s, splat(1.997591263e-01f));
  p = multiply_add(p, s, splat(-2.499321832e-01f));
  p = multiply_add(p, s, splat(3.333359213e-01f));
  p = multiply_add(p, s, splat(-5.000006640e-01f));
  p = multiply_add(p, s, splat(9.999999941e-01f));
  return multiply_add(k, splat(0.69314718f), multiply_add(p, s, correction));
}

/// Returns log(1 + e^x), or x itself if it is NaN or above 20, as in the reference.
INLINE vector softplus(vector x) {
  const vector y = log1p_approximate(exp_approximate(smaller(x, splat(20.0f))));
  return choose(x <= splat(20.0f), y, x);
}

INLINE vector silu(vector x) { return x / (1.0f + exp_approximate(-x)); }

DIS_END_KERNELS

#endif
