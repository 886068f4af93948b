#include "normalization_kernels.h"

#include <math.h>

static void channel_moments(
    enum dis_instructions instructions, double *sums, double *squares, const float *x,
    const float *origin, size_t pixels, size_t channels) {
  DIS_DISPATCH(dis_channel_moments, sums, squares, x, origin, pixels, channels)
}

static void normalize_channels(
    enum dis_instructions instructions, float *out, const float *x, const float *center,
    const float *scale, const float *shift, size_t pixels, size_t channels, bool silu) {
  DIS_DISPATCH(dis_normalize_channels, out, x, center, scale, shift, pixels, channels, silu)
}

void dis_group_norm(
    enum dis_instructions instructions, float *out, const float *x, const float *weight,
    const float *bias, size_t pixels, size_t channels, size_t groups, double epsilon, bool silu) {
  assert(pixels >= 1 && channels >= 1 && channels <= DIS_GROUP_NORM_CHANNELS);
  assert(groups >= 1 && channels % groups == 0 && epsilon >= 0);
  double sums[channels], squares[channels];
  float center[channels], scale[channels], shift[channels];
  const size_t per_group = channels / groups;
  const double count = (double)(per_group * pixels);
  // Moments about a value of the group remain accurate if the group is constant or far from 0.
  for (size_t c = 0; c < channels; c++) {
    sums[c] = squares[c] = 0;
    center[c] = x[c / per_group * per_group];
  }
  channel_moments(instructions, sums, squares, x, center, pixels, channels);
  for (size_t first = 0; first < channels; first += per_group) {
    double sum = 0, square = 0;
    for (size_t c = first; c < first + per_group; c++) {
      sum += sums[c];
      square += squares[c];
    }
    const double offset = sum / count, mean = center[first] + offset;
    const double inverse = 1 / sqrt(square / count - offset * offset + epsilon);
    // The rounded mean is subtracted first, which is exact near the mean. The shift subtracts the
    // remainder of the rounding.
    for (size_t c = first; c < first + per_group; c++) {
      const double gain = inverse * weight[c];
      center[c] = (float)mean;
      scale[c] = (float)gain;
      shift[c] = (float)(bias[c] - (mean - center[c]) * gain);
    }
  }
  normalize_channels(instructions, out, x, center, scale, shift, pixels, channels, silu);
}
