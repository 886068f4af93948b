#include "../instructions/vector.h"
#include "multiply_add_kernels.h"

DIS_BEGIN_KERNELS

float DIS_KERNEL(dis_multiply_add)(size_t count) {
  vector sums[DIS_INDEPENDENT_SUMS], x = splat((float)count), y = splat(0.5f);
  x = x / (x + 1);  // A value unknown to the compiler.
  UNROLL for (size_t i = 0; i < DIS_INDEPENDENT_SUMS; i++) sums[i] = splat((float)i);
  for (size_t round = 0; round < count; round++) {
    UNROLL for (size_t i = 0; i < DIS_INDEPENDENT_SUMS; i++) {
      sums[i] = multiply_add(sums[i], x, y);
    }
  }
  UNROLL for (size_t i = 1; i < DIS_INDEPENDENT_SUMS; i++) sums[0] += sums[i];
  return sums[0][0];
}

DIS_END_KERNELS
