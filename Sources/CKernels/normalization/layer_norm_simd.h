// Layer norm of rows.

#include "../instructions/vector.h"
#include "normalization_kernels.h"

#include <math.h>

DIS_BEGIN_KERNELS

/// The number of interleaved sums over a row, the same for every instruction set. One sum would
/// wait for each addition.
#define SUMS 16

/// Returns the mean of the differences of a row's values from `origin`, or of their squares.
INLINE double mean_difference(const float *x, size_t columns, double origin, const bool squares) {
  doubles partial[SUMS / DIS_LANES] = {0};
  const doubles origins = origin - (doubles){0};
  size_t c = 0;
  for (; c + SUMS <= columns; c += SUMS) {
    UNROLL for (size_t i = 0; i < SUMS / DIS_LANES; i++) {
      const doubles d = __builtin_convertvector(load(x + c + i * DIS_LANES), doubles) - origins;
      partial[i] += squares ? d * d : d;
    }
  }
  double sums[SUMS], total = 0;
  memcpy(sums, partial, sizeof sums);
  for (; c < columns; c++) {
    const double d = x[c] - origin;
    sums[c % SUMS] += squares ? d * d : d;
  }
  for (size_t i = 0; i < SUMS; i++) total += sums[i];
  return total / (double)columns;
}

void DIS_KERNEL(dis_layer_norm)(
    float *out, const float *x, const float *weight, const float *bias, size_t rows,
    size_t columns, double epsilon) {
  for (size_t r = 0; r < rows; r++, x += columns, out += columns) {
    const double mean = mean_difference(x, columns, 0, false);
    const double scale = 1 / sqrt(mean_difference(x, columns, mean, true) + epsilon);
    // The rounded mean is subtracted first, which is exact near the mean. The shift subtracts the
    // remainder of the rounding.
    const vector center = splat((float)mean), gain = splat((float)scale);
    const vector shift = splat((float)(((float)mean - mean) * scale));
    for (size_t c = 0; c < columns; c += DIS_LANES) {
      const size_t lanes = lanes_left(columns, c);
      vector y = multiply_add(load_first(x + c, lanes) - center, gain, shift);
      if (weight != NULL) y *= load_first(weight + c, lanes);
      if (bias != NULL) y += load_first(bias + c, lanes);
      store_first(out + c, y, lanes);
    }
  }
}

DIS_END_KERNELS
