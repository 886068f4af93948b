#ifndef DIS_CONVOLUTION_H
#define DIS_CONVOLUTION_H
#include <stdbool.h>
#include <stddef.h>

// Convolution and pooling of one image laid out [C, H, W]. These loops move memory rather than
// compute, and the compiler vectorises them for every processor, so one version serves all.

/// How a kernel slides over an image.
///
/// The image, the kernel and the output have at least one row and one column. Padding is smaller
/// than the kernel, so the kernel covers a part of the image at every position.
typedef struct {
  size_t height, width;  // Of the image.
  size_t kernel_height, kernel_width;
  size_t stride;  // Along both axes, at least 1.
  size_t padding_height, padding_width;  // On each side of the axis.
  size_t out_height, out_width;  // floor((extent + 2 * padding - kernel) / stride) + 1
} dis_window;

/// Unfolds the patches under `rows` rows of output pixels, from row `first_row`, into `columns`
/// [channels * kernel_height * kernel_width, rows * out_width]. `x` is [channels, height, width],
/// and is 0 outside the image. `first_row + rows` is at most `out_height`.
void dis_im2col(
    float *columns, const float *x, size_t channels, dis_window window, size_t first_row,
    size_t rows);

/// out[r, c] += bias[r], then max(0, out[r, c]) if `relu`, for `rows` rows of `columns` values.
/// Rows begin `stride` values apart; `stride` is at least `columns`. NaN stays NaN.
void dis_add_bias(
    float *out, const float *bias, size_t rows, size_t columns, size_t stride, bool relu);

/// out[c, y, x] = the largest value under the window. Padding is never the largest; NaN always is.
void dis_max_pool(float *out, const float *x, size_t channels, dis_window window);

/// out[c, y, x] = the mean of the values under the window. Padding is not counted.
void dis_average_pool(float *out, const float *x, size_t channels, dis_window window);

#endif
