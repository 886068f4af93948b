#include "CKernels.h"

#include <math.h>

/// The sum over `x` less `origin`, or of its square, in eight interleaved partial sums: a fixed
/// order that the compiler can vectorise.
static double sum(const float *x, size_t count, double origin, bool squared) {
  double partial[8] = {0}, total = 0;
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    for (size_t lane = 0; lane < 8; lane++) {
      const double d = x[i + lane] - origin;
      partial[lane] += squared ? d * d : d;
    }
  }
  for (; i < count; i++) {
    const double d = x[i] - origin;
    total += squared ? d * d : d;
  }
  for (size_t lane = 0; lane < 8; lane++) total += partial[lane];
  return total;
}

void dis_group_norm(
    enum dis_instructions instructions, float *x, const float *weight, const float *bias,
    size_t channels, size_t pixels, size_t groups, double epsilon, bool silu) {
  const size_t per_group = channels / groups, count = per_group * pixels;
  const size_t block = 4096;  // Values that are still in the first-level cache for SiLU.
  for (size_t g = 0; g < groups; g++) {
    float *group = x + g * count;
    const double mean = sum(group, count, 0, false) / (double)count;
    const double variance = sum(group, count, mean, true) / (double)count;
    const double inverse = 1.0 / sqrt(variance + epsilon);
    // The rounded mean is taken off first, which is exact near it, and what rounding left of it
    // after.
    const float center = (float)mean;
    for (size_t c = 0; c < per_group; c++) {
      const size_t channel = g * per_group + c;
      const double gain = inverse * weight[channel];
      const float scale = (float)gain, shift = (float)(bias[channel] - (mean - center) * gain);
      float *row = group + c * pixels;
      for (size_t first = 0; first < pixels; first += block) {
        const size_t end = pixels - first < block ? pixels : first + block;
        for (size_t p = first; p < end; p++) row[p] = (row[p] - center) * scale + shift;
        if (silu) dis_silu(instructions, row + first, end - first);
      }
    }
  }
}

void dis_softmax(float *x, size_t rows, size_t columns, float scale) {
  for (size_t r = 0; r < rows; r++, x += columns) {
    float largest = -INFINITY;
    for (size_t c = 0; c < columns; c++) largest = x[c] > largest ? x[c] : largest;
    double total = 0;
    for (size_t c = 0; c < columns; c++) {
      x[c] = expf(scale * (x[c] - largest));
      total += x[c];
    }
    const float factor = (float)(1 / total);
    for (size_t c = 0; c < columns; c++) x[c] *= factor;
  }
}
