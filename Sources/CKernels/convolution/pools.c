#include "window.h"

#include <assert.h>
#include <math.h>

void dis_max_pool(float *out, const float *x, size_t channels, dis_window w) {
  assert(dis_window_is_valid(w));
  size_t pixels = w.out_height * w.out_width;
  for (size_t c = 0; c < channels; c++, x += w.height * w.width, out += pixels) {
    for (size_t q = 0; q < pixels; q++) out[q] = -INFINITY;
    for (size_t j = 0; j < w.kernel_width; j++) {
      const dis_span s = dis_columns_inside(w, j);
      for (size_t y = 0; y < w.out_height; y++) {
        float *largest = out + y * w.out_width;
        for (size_t i = 0; i < w.kernel_height; i++) {
          size_t row = dis_image_row(w, y, i);
          if (row >= w.height) continue;
          const float *in = x + row * w.width;
          for (size_t q = s.left; q < s.right; q++) {
            float v = in[q * w.stride + j - w.padding_width];
            largest[q] = v > largest[q] || v != v ? v : largest[q];
          }
        }
      }
    }
  }
}

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

/// Returns how many of a kernel's rows or columns are inside the image at output position
/// `position`.
static int covered(size_t position, size_t kernel, size_t stride, size_t padding, size_t extent) {
  size_t begin = position * stride, end = begin + kernel;  // On the axis including its padding.
  return (int)(dis_smaller(end, padding + extent) - larger(begin, padding));
}

void dis_average_pool(float *out, const float *x, size_t channels, dis_window w) {
  assert(dis_window_is_valid(w));
  size_t pixels = w.out_height * w.out_width;
  for (size_t c = 0; c < channels; c++, x += w.height * w.width, out += pixels) {
    for (size_t q = 0; q < pixels; q++) out[q] = 0;
    for (size_t j = 0; j < w.kernel_width; j++) {
      const dis_span s = dis_columns_inside(w, j);
      for (size_t y = 0; y < w.out_height; y++) {
        float *sum = out + y * w.out_width;
        for (size_t i = 0; i < w.kernel_height; i++) {
          size_t row = dis_image_row(w, y, i);
          if (row >= w.height) continue;
          const float *in = x + row * w.width;
          for (size_t q = s.left; q < s.right; q++) {
            sum[q] += in[q * w.stride + j - w.padding_width];
          }
        }
      }
    }
    for (size_t y = 0; y < w.out_height; y++) {
      float *mean = out + y * w.out_width;
      int rows = covered(y, w.kernel_height, w.stride, w.padding_height, w.height);
      for (size_t q = 0; q < w.out_width; q++) {
        int columns = covered(q, w.kernel_width, w.stride, w.padding_width, w.width);
        mean[q] /= (float)(rows * columns);
      }
    }
  }
}
