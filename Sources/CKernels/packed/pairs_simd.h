// Products of bfloat16. A word is a pair: an even channel in the low half, and the next channel in
// the high half.
//
// The product of the high halves is added first, then that of the low halves. Each product is
// exact, and each sum is rounded to nearest. AVX-512's instruction does this, as measured on AMD
// processors, and so does the code without it. They differ only where a sum underflows: the
// instruction turns numbers below 1.2e-38 into 0.

#include "../instructions/vector.h"
#include "bfloat16.h"

DIS_BEGIN_KERNELS

/// Returns a word in every lane.
INLINE vector broadcast(const float *word) {
  int32_t bits;
  memcpy(&bits, word, sizeof bits);
  return (vector)splat_integer(bits);
}

/// Returns sum + x * w, where each lane is a pair.
INLINE vector add_product(vector sum, vector x, vector w) {
#ifdef DIS_HAS_PAIR_PRODUCTS
  return _mm512_dpbf16_ps(sum, (__m512bh)x, (__m512bh)w);
#else
  const integers high = splat_integer((int32_t)0xFFFF0000);
  sum = multiply_add((vector)((integers)x & high), (vector)((integers)w & high), sum);
  return multiply_add((vector)((integers)x << 16), (vector)((integers)w << 16), sum);
#endif
}

typedef uint16_t halves __attribute__((vector_size(DIS_LANES * 2)));

/// Rounds to bfloat16 like `dis_bfloat16`.
INLINE halves rounded(vector x) {
#ifdef DIS_HAS_PAIR_PRODUCTS
  return (halves)_mm512_cvtneps_pbh(x);
#else
  typedef uint32_t words __attribute__((vector_size(DIS_LANES * 4)));
  const words bits = (words)x, exponent = bits & 0x7F800000;
  const words nearest = bits + 0x7FFF + (bits >> 16 & 1);
  const words kept = (words)choose(x != x, (vector)(bits | 0x400000), (vector)nearest);
  const words tiny = (words)(exponent == 0);  // All ones where true.
  return __builtin_convertvector((kept & ~(tiny & 0x7FFFFFFF)) >> 16, halves);
#endif
}

/// Returns `x` rounded to bfloat16, in the upper half of each lane.
INLINE integers rounded_integers(vector x) {
  typedef uint32_t words __attribute__((vector_size(DIS_LANES * 4)));
  return (integers)(__builtin_convertvector(rounded(x), words) << 16);
}

/// Returns the values that are multiplied in place of `x`, which are rounded.
INLINE vector multiplied(vector x) { return (vector)rounded_integers(x); }

/// The number of rows of packed values that share a row of words.
#define DIS_ROWS_PER_WORD 2

/// Returns the pairs of values of two rows.
INLINE vector joined_rows(vector first, vector second) {
  return (vector)((rounded_integers(first) >> 16 & 0xFFFF) | rounded_integers(second));
}

/// Writes the pairs of the `count` values of a row to `to`, which may be `row`, and returns `to`.
INLINE const float *to_words(float *to, const float *row, size_t count) {
  uint16_t *half = (uint16_t *)to;
  size_t i = 0;
  for (; i + DIS_LANES <= count; i += DIS_LANES) {
    const halves h = rounded(load(row + i));
    memcpy(half + i, &h, sizeof h);
  }
  for (; i < count; i++) half[i] = dis_bfloat16(row[i]);
  if (count % 2 == 1) half[count] = 0;
  return to;
}

DIS_END_KERNELS
