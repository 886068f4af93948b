#ifndef DIS_PACKED_H
#define DIS_PACKED_H
#include <stdbool.h>
#include <stddef.h>

#include "dis_convolution.h"
#include "dis_mamba.h"

// Convolutions and pools of one image in the layout [H, W, C], with weights that are packed in
// advance.
//
// The distance between pixels, the stride, may be larger than the number of channels. An image can
// therefore be a range of the channels of a wider image, which is how the results of branches are
// concatenated. Whole groups of DIS_CHANNELS channels are written. Channels past the last one
// contain the activation of 0.

/// The number of channels in a group.
#define DIS_CHANNELS 16

/// The algorithms for a convolution.
enum dis_method {
  /// The definition, as matrix products without unfolding. Applies to every convolution.
  DIS_DIRECT = 0,
  /// Minimal filtering (Winograd; Lavin & Gray, arXiv 1509.09308) with four outputs along each axis
  /// at a time. Applies to 3 x 3, 5 x 5, 1 x 3 and 3 x 1 with stride 1.
  DIS_WINOGRAD,
  /// Minimal filtering with two outputs at a time. Applies to 3 x 3 with stride 1. It has more
  /// products and fewer weights, for images of so few tiles that most of the time is spent reading
  /// weights.
  DIS_WINOGRAD_2,
  /// Minimal filtering with four outputs at a time and weights that are stored untransformed and
  /// transformed on use. Applies to 3 x 3 with stride 1. It needs a quarter of the memory, and is
  /// worthwhile for large images.
  DIS_WINOGRAD_COMPACT,
  /// The discrete Fourier transform of length 20. Applies to 1 x 7 and 7 x 1 with padding 3 and
  /// stride 1, along lines of 17 pixels.
  DIS_FOURIER_7,
  /// Minimal filtering with three outputs along each axis at a time. Applies to 3 x 3 with stride
  /// 2. The even pixels of an axis meet two taps, the odd ones the third.
  DIS_WINOGRAD_HALVING,
};

/// The number format of the products.
enum dis_precision {
  DIS_FLOAT32 = 0,
  /// Both factors are rounded to bfloat16: 8 significant bits, to nearest, ties to even. The
  /// products are exact, and are summed in float32.
  DIS_BFLOAT16,
};

/// A convolution of one image.
typedef struct {
  dis_window window;             // Over the image as it is read, `doubled` or not.
  size_t inputs, outputs;        // Channels, at least 1.
  size_t in_stride, out_stride;  // In floats, from a pixel to the next one.
  bool relu;                     // Whether negative results become 0. NaN is kept.
  bool doubled;                  // Whether each pixel is read as 2 x 2. The extents are then even.
  bool add;                      // Whether results are added to `out`.
  enum dis_method method;        // One that applies to the window.
  enum dis_precision precision;  // DIS_BFLOAT16 is for DIS_DIRECT and DIS_FOURIER_7, and for
                                 // instructions that `dis_bfloat16_instructions` returns.
} dis_packed_convolution;

/// Returns whether the method computes this convolution with these instructions. The plain loops
/// support only DIS_DIRECT.
bool dis_method_applies(
    enum dis_instructions instructions, enum dis_method method, dis_window window);

/// Returns the instruction set that replaces `instructions` for DIS_BFLOAT16. AVX-512 is replaced
/// by AVX2 on a processor without AVX-512's instructions for bfloat16.
enum dis_instructions dis_bfloat16_instructions(enum dis_instructions instructions);

/// Returns the size of the packed weights in words of 32 bits. A word is a float, or two bfloat16.
size_t dis_packed_count(const dis_packed_convolution *convolution);

/// Packs `weight` [outputs, inputs, kernel height, kernel width], with each output multiplied by
/// its `gain`. Weights are computed in double and rounded once. Strides are not used.
///
/// The order depends on the instruction set: [panel of outputs][matrix][inputs][outputs of the
/// panel], where the matrices are the taps of the kernel or the values of the method's transform,
/// equal ones once.
/// In DIS_BFLOAT16, a matrix is [inputs / 2][outputs of the panel][2].
void dis_pack(
    enum dis_instructions instructions, float *packed, const float *weight, const double *gain,
    const dis_packed_convolution *convolution);

/// Returns the number of floats of scratch memory for `dis_convolve_packed`. Strides are not used.
size_t dis_packed_scratch(
    enum dis_instructions instructions, const dis_packed_convolution *convolution);

/// Computes out[i, j, o] = activation(bias[o] + sum_{u, v, c} weight[o, c, u, v] * x[i', j', c]),
/// where i' = i * stride + u - padding_height and j' = j * stride + v - padding_width. `x` is 0
/// outside the image. With `add`, the result is added to `out`.
///
/// - `packed` is the result of `dis_pack` with the same instructions.
/// - `bias` has a value for each channel that is written, 0 for those past `outputs`.
/// - `in_stride` is at least `inputs`. For methods other than DIS_DIRECT, which read whole groups,
///   it is at least `inputs` rounded up to DIS_CHANNELS.
/// - `out_stride` is at least `outputs` rounded up to DIS_CHANNELS.
/// - `packed` and `scratch` are aligned to 64 bytes. The plain loops need neither the alignment nor
///   the scratch memory.
/// - For DIS_FOURIER_7, the image is 17 pixels long along the axis of the kernel.
void dis_convolve_packed(
    enum dis_instructions instructions, float *out, const float *x, const float *packed,
    const float *bias, const dis_packed_convolution *convolution, float *scratch);

/// Computes the largest value under the window. Padding is ignored, and the result is NaN if any
/// value is NaN. `channels` and both strides are multiples of DIS_CHANNELS, and the strides are at
/// least `channels`.
void dis_max_pool_packed(
    enum dis_instructions instructions, float *out, size_t out_stride, const float *x,
    size_t in_stride, size_t channels, dis_window window);

/// Computes the mean of the values under the window, where padding is not counted. With `bias`,
/// which may be null, computes max(0, mean + bias[c]). `channels` and both strides are multiples of
/// DIS_CHANNELS, and the strides are at least `channels`.
void dis_average_pool_packed(
    enum dis_instructions instructions, float *out, size_t out_stride, const float *x,
    size_t in_stride, const float *bias, size_t channels, dis_window window);

/// Runs `count` rounds of multiply-adds on registers alone, which measures the peak that no kernel
/// can exceed.
float dis_multiply_add(enum dis_instructions instructions, size_t count);

/// Returns the number of floating-point operations of a round. A multiply-add counts as two.
size_t dis_multiply_add_operations(enum dis_instructions instructions);

#endif
