#ifndef DIS_WINDOW_H
#define DIS_WINDOW_H

// The part of an image under a window.

#include "dis_convolution.h"

/// Returns whether one axis of a window satisfies the comment of `dis_window`.
static inline bool dis_axis_is_valid(
    size_t extent, size_t kernel, size_t stride, size_t padding, size_t out) {
  return extent >= 1 && padding < kernel && extent + 2 * padding >= kernel &&
         out == (extent + 2 * padding - kernel) / stride + 1;
}

/// Returns whether both axes of a window do.
static inline bool dis_window_is_valid(dis_window w) {
  return w.stride >= 1 &&
         dis_axis_is_valid(w.height, w.kernel_height, w.stride, w.padding_height, w.out_height) &&
         dis_axis_is_valid(w.width, w.kernel_width, w.stride, w.padding_width, w.out_width);
}

static inline size_t dis_smaller(size_t a, size_t b) { return a < b ? a : b; }

/// A range of output columns [left, right).
typedef struct {
  size_t left, right;
} dis_span;

/// Returns the output columns at which kernel column `j` reads inside the image: those where 0 <=
/// column * stride + j - padding < width.
static inline dis_span dis_columns_inside(dis_window w, size_t j) {
  size_t end = w.width + w.padding_width;
  size_t right = end > j ? (end - j + w.stride - 1) / w.stride : 0;
  size_t left = w.padding_width > j ? (w.padding_width - j + w.stride - 1) / w.stride : 0;
  right = dis_smaller(right, w.out_width);
  return (dis_span){dis_smaller(left, right), right};
}

/// Returns the image row that kernel row `i` reads for output row `y`. It is at least `height` if
/// it is outside the image: rows above the image wrap around to huge numbers.
static inline size_t dis_image_row(dis_window w, size_t y, size_t i) {
  return y * w.stride + i - w.padding_height;
}

#endif
