#include "multiply_add_kernels.h"

float dis_multiply_add_scalar(size_t count) {
  float sums[DIS_INDEPENDENT_SUMS];
  const float x = (float)count / ((float)count + 1);
  for (size_t i = 0; i < DIS_INDEPENDENT_SUMS; i++) sums[i] = (float)i;
  for (size_t round = 0; round < count; round++) {
    for (size_t i = 0; i < DIS_INDEPENDENT_SUMS; i++) sums[i] = sums[i] * x + 0.5f;
  }
  for (size_t i = 1; i < DIS_INDEPENDENT_SUMS; i++) sums[0] += sums[i];
  return sums[0];
}
