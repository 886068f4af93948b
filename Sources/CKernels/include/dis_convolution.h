#ifndef DIS_CONVOLUTION_H
#define DIS_CONVOLUTION_H
#include <stdbool.h>
#include <stddef.h>

// Convolution and pooling of one image, laid out [C, H, W]. These loops move memory rather than
// compute, and the compiler vectorises them for every processor, so they have no faster twin.

/// How a kernel slides over an image. Padding lies on both sides of an axis and is smaller than the
/// kernel.
typedef struct {
  size_t height, width;  // Of the image.
  size_t kernel_height, kernel_width;
  size_t stride;  // Along both axes.
  size_t padding_height, padding_width;
  size_t out_height, out_width;  // floor((extent + 2 * padding - kernel) / stride) + 1
} dis_window;

/// Unfolds the patches under `rows` rows of output pixels, from row `first_row`, into `columns`
/// [channels * kernel_height * kernel_width, rows * out_width]. `x` is [channels, height, width];
/// outside it, zeros are read.
void dis_im2col(
    float *columns, const float *x, size_t channels, dis_window window, size_t first_row,
    size_t rows);

/// out[r, c] += bias[r], then max(0, ...) if `relu`, for `rows` rows of `columns` values that begin
/// `stride` values apart. NaN stays NaN.
void dis_add_bias(
    float *out, const float *bias, size_t rows, size_t columns, size_t stride, bool relu);

/// out[c, y, x] = the largest value under the window. Padding never is, NaN always.
void dis_max_pool(float *out, const float *x, size_t channels, dis_window window);

/// out[c, y, x] = the mean of the values under the window, padding not counted.
void dis_average_pool(float *out, const float *x, size_t channels, dis_window window);

#endif
