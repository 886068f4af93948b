#ifndef DIS_WINOGRAD_H
#define DIS_WINOGRAD_H

#include "dis_packed.h"

/// Returns the number of outputs of a tile along an axis with `taps` taps. An axis without a kernel
/// has one tap and one output.
static inline size_t dis_winograd_outputs(enum dis_method method, size_t taps) {
  if (taps == 1) return 1;
  return method == DIS_WINOGRAD_2 ? 2 : 4;
}

/// Returns the number of points of a tile along an axis with `taps` taps.
static inline size_t dis_winograd_points(enum dis_method method, size_t taps) {
  return taps + dis_winograd_outputs(method, taps) - 1;
}

/// Computes the values of a kernel at all points of DIS_WINOGRAD or DIS_WINOGRAD_2. `kernel` is
/// [height, width], and `to` is [points of the height, points of the width].
void dis_winograd_weights(
    double *to, const double *kernel, enum dis_method method, size_t height, size_t width);

#endif
