// The norm by root mean square. It is limited by memory bandwidth, so one version serves all
// processors.

#include "dis_mamba.h"

#include <assert.h>
#include <math.h>

void dis_rms_norm(
    float *out, const float *x, const float *weight, size_t rows, size_t columns, float epsilon) {
  assert(columns >= 1 && epsilon >= 0);
  for (size_t r = 0; r < rows; r++) {
    const float *row = x + r * columns;
    // Eight interleaved sums have a fixed order that the compiler can vectorise.
    double partial[8] = {0};
    size_t c = 0;
    for (; c + 8 <= columns; c += 8) {
      for (size_t i = 0; i < 8; i++) partial[i] += (double)row[c + i] * row[c + i];
    }
    for (; c < columns; c++) partial[c % 8] += (double)row[c] * row[c];
    double sum = 0;
    for (size_t i = 0; i < 8; i++) sum += partial[i];
    const float scale = (float)(1.0 / sqrt(sum / (double)columns + epsilon));
    for (c = 0; c < columns; c++) out[r * columns + c] = row[c] * scale * weight[c];
  }
}
