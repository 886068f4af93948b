// The plain loops of group norm: the fallback on other processors, and the oracle of the tests.

#include "group_norm_kernels.h"

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
