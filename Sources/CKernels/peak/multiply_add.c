#include "multiply_add_kernels.h"

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
