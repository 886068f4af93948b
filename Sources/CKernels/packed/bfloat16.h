#ifndef DIS_PACKED_BFLOAT16_H
#define DIS_PACKED_BFLOAT16_H

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

/// Returns `x` as bfloat16, the upper half of a float, rounded once to nearest, ties to even.
/// Numbers below the least normal float become 0.
static inline uint16_t dis_bfloat16(double x) {
  if (isnan(x)) return 0x7FC0;
  if (fabs(x) < FLT_MIN) x = copysign(0, x);
  uint64_t wide;
  memcpy(&wide, &x, sizeof wide);
  // Keep 7 of the 52 bits of the significand.
  wide = (wide + (UINT64_C(1) << 44) - 1 + (wide >> 45 & 1)) >> 45 << 45;
  memcpy(&x, &wide, sizeof x);
  const float exact = (float)x;
  uint32_t bits;
  memcpy(&bits, &exact, sizeof bits);
  return (uint16_t)(bits >> 16);
}

/// Returns the value of a bfloat16.
static inline float dis_widened(uint16_t x) {
  const uint32_t bits = (uint32_t)x << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

#endif
