// Minimal filtering (Winograd; Lavin & Gray, arXiv 1509.09308) for kernels of 3 and 5 taps along an
// axis: polynomials are multiplied by their values at some points. Four outputs of a kernel of 3
// taps take the values at 6 points instead of 12 products; those of 5 taps take 8 points instead of
// 20 products. Along both axes, the savings multiply.
//
// The points of F(4, 3) are 0, ±3/4, ±3/2, ∞. All constants in the transforms of images are then
// exact in binary, and the rounding error is half of that for the usual points 0, ±1, ±2, ∞. The
// points of F(4, 5) are 0, ±1, ±2, ±1/2, ∞, and those of F(2, 3) are 0, ±1, ∞. Weights are
// transformed in winograd_weights.c, except for those of DIS_WINOGRAD_COMPACT.
//
// With stride 2, the outer two of 3 taps meet the even pixels and the middle one the odd pixels.
// Three outputs take the values of the even pixels at the 4 points of F(3, 2), 0, ±1, ∞, and 3
// products of odd pixels, instead of 9 products.

#include "../instructions/vector.h"

DIS_BEGIN_KERNELS

/// Transforms inputs along one axis in place, to a value for each point.
INLINE void to_points(const size_t points, vector *d) {
  if (points == 4) {
    const vector zero = d[0] - d[2], one = d[1] + d[2], minus_one = d[2] - d[1];
    d[3] = d[3] - d[1];
    d[0] = zero;
    d[1] = one;
    d[2] = minus_one;
  }
  if (points == 6) {
    const vector even_a = multiply_add(splat(-9.0f / 4), d[2], d[4]);
    const vector odd_a = splat(3.0f / 4) * multiply_add(splat(-9.0f / 4), d[1], d[3]);
    const vector even_b = multiply_add(splat(-9.0f / 16), d[2], d[4]);
    const vector odd_b = splat(3.0f / 2) * multiply_add(splat(-9.0f / 16), d[1], d[3]);
    const vector zero = multiply_add(
        splat(81.0f / 64), d[0], multiply_add(splat(-45.0f / 16), d[2], d[4]));
    const vector infinity = multiply_add(
        splat(81.0f / 64), d[1], multiply_add(splat(-45.0f / 16), d[3], d[5]));
    d[0] = zero;
    d[1] = even_a + odd_a;
    d[2] = even_a - odd_a;
    d[3] = even_b + odd_b;
    d[4] = even_b - odd_b;
    d[5] = infinity;
  }
  if (points == 7) {
    // The even pixels as for 4 points, and the odd ones themselves.
    const vector odd[3] = {d[1], d[3], d[5]};
    const vector zero = d[0] - d[4], one = d[2] + d[4], minus_one = d[4] - d[2];
    d[3] = d[6] - d[2];
    d[0] = zero;
    d[1] = one;
    d[2] = minus_one;
    UNROLL for (size_t i = 0; i < 3; i++) d[4 + i] = odd[i];
  }
  if (points == 8) {
    const vector zero = multiply_add(splat(5.25f), d[4] - d[2], d[0] - d[6]);
    const vector infinity = multiply_add(splat(5.25f), d[3] - d[5], d[7] - d[1]);
    const vector even_1 = multiply_add(splat(-4.25f), d[4], d[2] + d[6]);
    const vector odd_1 = multiply_add(splat(-4.25f), d[3], d[1] + d[5]);
    const vector even_2 = multiply_add(
        splat(0.25f), d[2], multiply_add(splat(-1.25f), d[4], d[6]));
    const vector odd_2 = multiply_add(
        splat(0.5f), d[1], multiply_add(splat(-2.5f), d[3], splat(2) * d[5]));
    const vector even_3 = multiply_add(splat(4), d[2], multiply_add(splat(-5), d[4], d[6]));
    const vector odd_3 = multiply_add(
        splat(2), d[1], multiply_add(splat(-2.5f), d[3], splat(0.5f) * d[5]));
    d[0] = zero;
    d[1] = even_1 + odd_1;
    d[2] = even_1 - odd_1;
    d[3] = even_2 + odd_2;
    d[4] = even_2 - odd_2;
    d[5] = even_3 + odd_3;
    d[6] = even_3 - odd_3;
    d[7] = infinity;
  }
}

/// Transforms products along one axis in place: to four outputs, to two with 4 points, or to three
/// with 7.
INLINE void from_points(const size_t points, vector *m) {
  const vector s = m[1] + m[2], d = m[1] - m[2];
  if (points == 4) {
    m[0] = m[0] + s;
    m[1] = d + m[3];
    return;
  }
  if (points == 7) {
    m[0] = m[0] + s + m[4];
    m[1] = d + m[5];
    m[2] = s + m[3] + m[6];
    return;
  }
  const vector t = m[3] + m[4], e = m[3] - m[4];
  if (points == 6) {
    const vector third = multiply_add(splat(27.0f / 64), d, splat(27.0f / 8) * e) + m[5];
    m[0] = m[0] + s + t;
    m[1] = multiply_add(splat(3.0f / 4), d, splat(3.0f / 2) * e);
    m[2] = multiply_add(splat(9.0f / 16), s, splat(9.0f / 4) * t);
    m[3] = third;
  }
  if (points == 8) {
    // The weights contain an eighth of the values at ±1/2.
    const vector u = m[5] + m[6], f = m[5] - m[6];
    const vector third = multiply_add(splat(8), e, d + f) + m[7];
    m[0] = multiply_add(splat(8), u, m[0] + s + t);
    m[1] = multiply_add(splat(4), f, multiply_add(splat(2), e, d));
    m[2] = multiply_add(splat(2), u, multiply_add(splat(4), t, s));
    m[3] = third;
  }
}

/// Computes the values of a kernel of 3 taps at the points of F(4, 3), as in winograd_weights.c.
INLINE void kernel_to_points(vector *to, vector w0, vector w1, vector w2) {
  const vector third = splat(8.0f / 27) * w2;
  const vector even_a = multiply_add(splat(-128.0f / 243), w0, -third);
  const vector odd_a = splat(32.0f / 81) * w1;
  const vector even_b = multiply_add(splat(32.0f / 243), w0, third);
  const vector odd_b = splat(16.0f / 81) * w1;
  to[0] = splat(64.0f / 81) * w0;
  to[1] = even_a - odd_a;
  to[2] = even_a + odd_a;
  to[3] = even_b + odd_b;
  to[4] = even_b - odd_b;
  to[5] = w2;
}

DIS_END_KERNELS
