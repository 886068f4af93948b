#include "CKernels.h"

#include <math.h>
#include <string.h>

static inline size_t min_size(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t max_size(size_t a, size_t b) { return a > b ? a : b; }

/// The output columns [left, right) at which kernel column `j` reads inside the image: those with
/// 0 <= column * stride + j - padding < width.
typedef struct {
  size_t left, right;
} span;

static span inside(dis_window w, size_t j) {
  size_t end = w.width + w.padding_width;
  size_t right = end > j ? (end - j + w.stride - 1) / w.stride : 0;
  size_t left = w.padding_width > j ? (w.padding_width - j + w.stride - 1) / w.stride : 0;
  right = min_size(right, w.out_width);
  return (span){min_size(left, right), right};
}

/// The image row that kernel row `i` reads for output row `y`; at least `height` when it is outside,
/// because rows above the image wrap around to huge numbers.
static size_t image_row(dis_window w, size_t y, size_t i) {
  return y * w.stride + i - w.padding_height;
}

void dis_im2col(
    float *columns, const float *x, size_t channels, dis_window w, size_t first_row, size_t rows) {
  for (size_t c = 0; c < channels; c++, x += w.height * w.width) {
    for (size_t i = 0; i < w.kernel_height; i++) {
      for (size_t j = 0; j < w.kernel_width; j++) {
        span s = inside(w, j);
        for (size_t y = first_row; y < first_row + rows; y++, columns += w.out_width) {
          size_t row = image_row(w, y, i);
          if (row >= w.height) {
            memset(columns, 0, w.out_width * sizeof *columns);
            continue;
          }
          const float *in = x + row * w.width;
          for (size_t q = 0; q < s.left; q++) columns[q] = 0;
          for (size_t q = s.left; q < s.right; q++) {
            columns[q] = in[q * w.stride + j - w.padding_width];
          }
          for (size_t q = s.right; q < w.out_width; q++) columns[q] = 0;
        }
      }
    }
  }
}

void dis_add_bias(
    float *out, const float *bias, size_t rows, size_t columns, size_t stride, bool relu) {
  for (size_t r = 0; r < rows; r++, out += stride) {
    for (size_t c = 0; c < columns; c++) {
      float y = out[c] + bias[r];
      out[c] = relu && y < 0 ? 0 : y;
    }
  }
}

void dis_max_pool(float *out, const float *x, size_t channels, dis_window w) {
  size_t pixels = w.out_height * w.out_width;
  for (size_t c = 0; c < channels; c++, x += w.height * w.width, out += pixels) {
    for (size_t q = 0; q < pixels; q++) out[q] = -INFINITY;
    for (size_t j = 0; j < w.kernel_width; j++) {
      span s = inside(w, j);
      for (size_t y = 0; y < w.out_height; y++) {
        float *largest = out + y * w.out_width;
        for (size_t i = 0; i < w.kernel_height; i++) {
          size_t row = image_row(w, y, i);
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

/// How many of the kernel's `kernel` rows or columns lie inside an axis of `extent` at `position`.
static int covered(size_t position, size_t kernel, size_t stride, size_t padding, size_t extent) {
  size_t begin = position * stride, end = begin + kernel;  // On the padded axis.
  return (int)(min_size(end, padding + extent) - max_size(begin, padding));
}

void dis_average_pool(float *out, const float *x, size_t channels, dis_window w) {
  size_t pixels = w.out_height * w.out_width;
  for (size_t c = 0; c < channels; c++, x += w.height * w.width, out += pixels) {
    for (size_t q = 0; q < pixels; q++) out[q] = 0;
    for (size_t j = 0; j < w.kernel_width; j++) {
      span s = inside(w, j);
      for (size_t y = 0; y < w.out_height; y++) {
        float *sum = out + y * w.out_width;
        for (size_t i = 0; i < w.kernel_height; i++) {
          size_t row = image_row(w, y, i);
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
