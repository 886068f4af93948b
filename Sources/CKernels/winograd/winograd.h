#ifndef DIS_WINOGRAD_H
#define DIS_WINOGRAD_H

#include "dis_packed.h"

/// Returns the number of outputs of a tile along an axis with a kernel.
static inline size_t dis_winograd_outputs(enum dis_method method) {
  return method == DIS_WINOGRAD_2 ? 2 : 4;
}

/// Returns the number of points of a tile along an axis with `taps` taps. An axis without a kernel
/// has one tap and one point.
static inline size_t dis_winograd_points(enum dis_method method, size_t taps) {
  return taps == 1 ? 1 : taps + dis_winograd_outputs(method) - 1;
}

/// Returns the number of tiles along an axis.
static inline size_t dis_winograd_tiles(enum dis_method method, size_t taps, size_t outputs) {
  const size_t tile = dis_winograd_outputs(method);
  return taps == 1 ? outputs : (outputs + tile - 1) / tile;
}

/// Computes the values of a kernel at all points of DIS_WINOGRAD or DIS_WINOGRAD_2. `kernel` is
/// [height, width], and `to` is [points of the height, points of the width].
void dis_winograd_weights(
    double *to, const double *kernel, enum dis_method method, size_t height, size_t width);

#endif
