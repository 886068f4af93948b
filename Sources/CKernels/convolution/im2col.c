#include "window.h"

#include <assert.h>
#include <string.h>

void dis_im2col(
    float *columns, const float *x, size_t channels, dis_window w, size_t first_row, size_t rows) {
  assert(dis_window_is_valid(w));
  assert(first_row <= w.out_height && rows <= w.out_height - first_row);
  for (size_t c = 0; c < channels; c++, x += w.height * w.width) {
    for (size_t i = 0; i < w.kernel_height; i++) {
      for (size_t j = 0; j < w.kernel_width; j++) {
        const dis_span s = dis_columns_inside(w, j);
        for (size_t y = first_row; y < first_row + rows; y++, columns += w.out_width) {
          size_t row = dis_image_row(w, y, i);
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
  assert(columns <= stride);
  for (size_t r = 0; r < rows; r++, out += stride) {
    for (size_t c = 0; c < columns; c++) {
      float y = out[c] + bias[r];
      out[c] = relu && y < 0 ? 0 : y;
    }
  }
}
