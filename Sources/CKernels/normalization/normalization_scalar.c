// The plain loops of norms: the fallback on other processors, and the oracle of the tests.

#include "normalization_kernels.h"

#include <math.h>

void dis_channel_moments_scalar(
    double *sums, double *squares, const float *x, const float *origin, size_t pixels,
    size_t channels) {
  for (size_t p = 0; p < pixels; p++, x += channels) {
    for (size_t c = 0; c < channels; c++) {
      const double d = (double)x[c] - origin[c];
      sums[c] += d;
      squares[c] += d * d;
    }
  }
}

void dis_normalize_channels_scalar(
    float *out, const float *x, const float *center, const float *scale, const float *shift,
    size_t pixels, size_t channels, bool silu) {
  for (size_t p = 0; p < pixels; p++, x += channels, out += channels) {
    for (size_t c = 0; c < channels; c++) {
      const float y = (x[c] - center[c]) * scale[c] + shift[c];
      out[c] = silu ? y / (1 + expf(-y)) : y;
    }
  }
}

void dis_layer_norm_scalar(
    float *out, const float *x, const float *weight, const float *bias, size_t rows,
    size_t columns, double epsilon) {
  for (size_t r = 0; r < rows; r++, x += columns, out += columns) {
    double mean = 0, variance = 0;
    for (size_t c = 0; c < columns; c++) mean += x[c];
    mean /= (double)columns;
    for (size_t c = 0; c < columns; c++) variance += (x[c] - mean) * (x[c] - mean);
    const double scale = 1 / sqrt(variance / (double)columns + epsilon);
    for (size_t c = 0; c < columns; c++) {
      const double y = (x[c] - mean) * scale;
      out[c] = (float)(y * (weight != NULL ? weight[c] : 1) + (bias != NULL ? bias[c] : 0));
    }
  }
}
