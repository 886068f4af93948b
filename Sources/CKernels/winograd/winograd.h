#ifndef DIS_WINOGRAD_H
#define DIS_WINOGRAD_H

#include "dis_packed.h"

/// Returns the number of outputs of a tile along an axis with `taps` taps. An axis without a kernel
/// has one tap and one output.
static inline size_t dis_winograd_outputs(enum dis_method method, size_t taps) {
  if (taps == 1) return 1;
  switch (method) {
    case DIS_WINOGRAD_2: return 2;
    case DIS_WINOGRAD_HALVING: return 3;
    default: return 4;
  }
}

/// Returns the number of points of a tile along an axis with `taps` taps. For DIS_WINOGRAD_HALVING,
/// these are 4 points of the even pixels and 3 odd pixels.
static inline size_t dis_winograd_points(enum dis_method method, size_t taps) {
  if (method == DIS_WINOGRAD_HALVING) return 4 + 3;
  return taps + dis_winograd_outputs(method, taps) - 1;
}

/// Returns the number of different kernels of a tile along an axis with `taps` taps: one for each
/// point. All odd pixels of DIS_WINOGRAD_HALVING meet the same tap.
static inline size_t dis_winograd_kernels(enum dis_method method, size_t taps) {
  return method == DIS_WINOGRAD_HALVING ? 4 + 1 : dis_winograd_points(method, taps);
}

/// Computes the values of a kernel at all points of a method, equal ones once. `kernel` is [height,
/// width], and `to` is [kernels of the height, kernels of the width].
void dis_winograd_weights(
    double *to, const double *kernel, enum dis_method method, size_t height, size_t width);

#endif
