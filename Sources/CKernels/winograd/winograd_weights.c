#include "winograd.h"

/// Values of the 3-tap kernel polynomial at 0, ±3/4, ±3/2, ∞, each divided by the product of that
/// point's distances to the other finite points.
static const double winograd_3[6][3] = {
    {64.0 / 81, 0, 0},
    {-128.0 / 243, -32.0 / 81, -8.0 / 27},
    {-128.0 / 243, 32.0 / 81, -8.0 / 27},
    {32.0 / 243, 16.0 / 81, 8.0 / 27},
    {32.0 / 243, -16.0 / 81, 8.0 / 27},
    {0, 0, 1},
};

/// The same for 3 taps at 0, ±1, ∞, with the opposite sign at 0.
static const double winograd_3_at_4[4][3] = {
    {1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};

/// The same for 5 taps at 0, ±1, ±2, ±1/2, ∞, with the opposite sign at 0 and divided by 8 at ±1/2.
static const double winograd_5[8][5] = {
    {1, 0, 0, 0, 0},
    {-2.0 / 9, -2.0 / 9, -2.0 / 9, -2.0 / 9, -2.0 / 9},
    {-2.0 / 9, 2.0 / 9, -2.0 / 9, 2.0 / 9, -2.0 / 9},
    {1.0 / 90, 2.0 / 90, 4.0 / 90, 8.0 / 90, 16.0 / 90},
    {1.0 / 90, -2.0 / 90, 4.0 / 90, -8.0 / 90, 16.0 / 90},
    {4.0 / 45, 2.0 / 45, 1.0 / 45, 0.5 / 45, 0.25 / 45},
    {4.0 / 45, -2.0 / 45, 1.0 / 45, -0.5 / 45, 0.25 / 45},
    {0, 0, 0, 0, 1},
};

/// 3 taps with stride 2: the outer taps, for even pixels, at 0, ±1, ∞ with the opposite sign at 0, and
/// the middle tap, for odd pixels.
static const double winograd_3_halving[5][3] = {
    {1, 0, 0}, {0.5, 0, 0.5}, {0.5, 0, -0.5}, {0, 0, 1}, {0, 1, 0}};

/// The matrix for an axis without a kernel.
static const double winograd_1[1] = {1};

/// Returns the matrix that maps the taps along an axis to the values at its points.
static const double *winograd_axis(enum dis_method method, size_t taps) {
  if (taps == 1) return winograd_1;
  if (method == DIS_WINOGRAD_2) return winograd_3_at_4[0];
  if (method == DIS_WINOGRAD_HALVING) return winograd_3_halving[0];
  return taps == 3 ? winograd_3[0] : winograd_5[0];
}

/// Computes to[i, j] = sum_{u, v} rows[i, u] * kernel[u, v] * columns[j, v].
void dis_winograd_weights(
    double *to, const double *kernel, enum dis_method method, size_t height, size_t width) {
  const double *rows = winograd_axis(method, height);
  const double *columns = winograd_axis(method, width);
  for (size_t i = 0; i < dis_winograd_kernels(method, height); i++) {
    for (size_t j = 0; j < dis_winograd_kernels(method, width); j++) {
      double sum = 0;
      for (size_t u = 0; u < height; u++) {
        for (size_t v = 0; v < width; v++) {
          sum += rows[i * height + u] * kernel[u * width + v] * columns[j * width + v];
        }
      }
      *to++ = sum;
    }
  }
}
