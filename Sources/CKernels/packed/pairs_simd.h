// Products of bfloat16: a word of a product's rows is a pair of them, an even channel's in the low
// half and the next one's in the high half. The same of the weights.
//
// Of a pair, the product of the high halves is added first, then that of the low ones, each product
// exact and each sum rounded to nearest: so the instruction does it, measured on processors of AMD,
// and so the code without it. The two differ where a sum underflows alone: the instruction makes
// numbers below 1.2e-38 zero.

#include "../instructions/vector.h"
#include "bfloat16.h"

DIS_BEGIN_KERNELS

INLINE vector broadcast(const float *word) {
  int32_t bits;
  memcpy(&bits, word, sizeof bits);
  return (vector)splat_integer(bits);
}

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

/// Rounds as dis_bfloat16 does.
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

/// The pairs of `count` values of a row, written to `to`, which may be `row`.
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
