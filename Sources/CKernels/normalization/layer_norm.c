#include "normalization_kernels.h"

void dis_layer_norm(
    enum dis_instructions instructions, float *out, const float *x, const float *weight,
    const float *bias, size_t rows, size_t columns, double epsilon) {
  assert(columns >= 1 && epsilon >= 0);
  DIS_DISPATCH(dis_layer_norm, out, x, weight, bias, rows, columns, epsilon)
}
