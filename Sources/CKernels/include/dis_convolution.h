#ifndef DIS_CONVOLUTION_H
#define DIS_CONVOLUTION_H
#include <stdbool.h>
#include <stddef.h>

// Convolution and pooling of one image in the layout [C, H, W]. These loops mostly move memory, and
// the compiler vectorises them for every processor, so a single version suffices.

/// The way a kernel slides over an image.
///
/// The image, the kernel and the output have at least one row and one column. The padding is
/// smaller than the kernel, so the kernel covers a part of the image at every position.
typedef struct {
  size_t height, width;  // Of the image, in pixels.
  size_t kernel_height, kernel_width;
  size_t stride;  // Along both axes, at least 1.
  size_t padding_height, padding_width;  // On each side of the axis.
  size_t out_height, out_width;  // floor((extent + 2 * padding - kernel) / stride) + 1
} dis_window;

/// Unfolds the patches under `rows` rows of output pixels, from row `first_row` on, into `columns`
/// [channels * kernel_height * kernel_width, rows * out_width]. `x` is [channels, height, width],
/// and is 0 outside the image. `first_row + rows` is at most `out_height`.
void dis_im2col(
    float *columns, const float *x, size_t channels, dis_window window, size_t first_row,
    size_t rows);

/// Computes out[r, c] += bias[r], and then max(0, out[r, c]) if `relu`, for `rows` rows of
/// `columns` values. Rows begin `stride` values apart, where `stride` is at least `columns`. NaN is
/// kept.
void dis_add_bias(
    float *out, const float *bias, size_t rows, size_t columns, size_t stride, bool relu);

/// Computes out[c, y, x] = the largest value under the window. Padding is ignored, and the result
/// is NaN if any value is NaN. `x` is [channels, height, width], `out` is [channels, out_height,
/// out_width].
void dis_max_pool(float *out, const float *x, size_t channels, dis_window window);

/// Computes out[c, y, x] = the mean of the values under the window, where padding is not counted.
/// `x` is [channels, height, width], `out` is [channels, out_height, out_width].
void dis_average_pool(float *out, const float *x, size_t channels, dis_window window);

#endif
