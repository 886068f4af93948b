#ifndef WINDOWS_H
#define WINDOWS_H

#include "kernel_tests.h"

/// Windows of each kind: of one pixel, larger than the image, with gaps, with unequal axes.
static const dis_window windows[] = {
    {1, 1, 1, 1, 1, 0, 0, 1, 1}, {1, 1, 3, 3, 1, 1, 1, 1, 1},  {5, 4, 3, 3, 1, 0, 0, 3, 2},
    {5, 4, 3, 3, 2, 1, 1, 3, 2}, {7, 9, 2, 2, 2, 0, 0, 3, 4},  {2, 11, 1, 5, 1, 0, 2, 2, 11},
    {9, 3, 4, 1, 3, 2, 0, 4, 1}, {13, 6, 5, 3, 1, 2, 1, 13, 6}, {6, 5, 1, 1, 2, 0, 0, 3, 3},
};

#define WINDOWS (sizeof windows / sizeof *windows)

/// An axis's input position of a tap; a huge number before the first.
static inline size_t position(size_t out, size_t tap, size_t stride, size_t padding) {
  return out * stride + tap - padding;
}

/// The largest value and the sum of what a window covers, and how much that is.
typedef struct {
  double largest, sum;
  size_t count;
} summary;

/// The window at output pixel (y, q); input pixel (i, j) is at x[(i * width + j) * step].
static inline summary summarize(const float *x, size_t step, dis_window w, size_t y, size_t q) {
  summary s = {-__builtin_inf(), 0, 0};
  for (size_t tap = 0; tap < w.kernel_height * w.kernel_width; tap++) {
    const size_t i = position(y, tap / w.kernel_width, w.stride, w.padding_height);
    const size_t j = position(q, tap % w.kernel_width, w.stride, w.padding_width);
    if (i >= w.height || j >= w.width) continue;
    const double value = x[(i * w.width + j) * step];
    s.largest = value > s.largest || value != value ? value : s.largest;
    s.sum += value;
    s.count++;
  }
  return s;
}

#endif
