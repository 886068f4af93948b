#ifndef DIS_PACKED_H
#define DIS_PACKED_H
#include <stdbool.h>
#include <stddef.h>

#include "dis_convolution.h"
#include "dis_mamba.h"

// Convolutions and pools of one image laid out [H, W, C], with weights that are packed in advance.
//
// Pixels begin a stride apart, which may be larger than the number of channels. An image can
// therefore be a range of the channels of a wider one; that is how the results of branches are
// joined. Whole groups of DIS_CHANNELS channels are written. Channels past the last one become the
// activation of 0.

/// Channels in a group.
#define DIS_CHANNELS 16

/// How a convolution is computed.
enum dis_method {
  /// By its definition, as matrix products without unfolding. Takes every convolution.
  DIS_DIRECT = 0,
  /// Minimal filtering, four outputs along each axis at a time. Takes 3 x 3, 5 x 5, 1 x 3 and 3 x 1
  /// with stride 1.
  DIS_WINOGRAD,
  /// Minimal filtering, two outputs at a time. Takes 3 x 3 with stride 1. There are more products
  /// and fewer weights, for images of so few tiles that most of the time goes into reading weights.
  DIS_WINOGRAD_2,
  /// Minimal filtering, four outputs at a time, with weights that are stored as they are and
  /// transformed as they are used. Takes 3 x 3 with stride 1. It needs a quarter of the memory, and
  /// pays for large images.
  DIS_WINOGRAD_COMPACT,
  /// The discrete Fourier transform of length 20. Takes 1 x 7 and 7 x 1 with padding 3 and stride
  /// 1, along lines of 17 pixels.
  DIS_FOURIER_7,
};

/// What is multiplied.
enum dis_precision {
  DIS_FLOAT32 = 0,
  /// Weights, and the values that they are multiplied by, are rounded to bfloat16: 8 significant
  /// bits, to nearest, ties to even. Products are exact, and are summed in float32.
  DIS_BFLOAT16,
};

/// A convolution of one image.
typedef struct {
  dis_window window;             // Over the image as it is read, `doubled` or not.
  size_t inputs, outputs;        // Channels, at least 1.
  size_t in_stride, out_stride;  // Floats from a pixel to the next one.
  bool relu;                     // Whether negative results become 0. NaN stays NaN.
  bool doubled;                  // Whether each pixel is read as 2 x 2. The extents are then even.
  bool add;                      // Whether results are added to `out`.
  enum dis_method method;        // One that applies to the window.
  enum dis_precision precision;  // DIS_BFLOAT16 is for DIS_DIRECT and DIS_FOURIER_7, and for
                                 // instructions that `dis_bfloat16_instructions` returns.
} dis_packed_convolution;

/// Whether the method computes this convolution with these instructions. The plain loops have
/// DIS_DIRECT alone.
bool dis_method_applies(
    enum dis_instructions instructions, enum dis_method method, dis_window window);

/// The instructions that take the place of `instructions` for DIS_BFLOAT16. AVX-512 becomes AVX2 on
/// a processor without AVX-512's instructions for bfloat16.
enum dis_instructions dis_bfloat16_instructions(enum dis_instructions instructions);

/// The size of the packed weights in words of 32 bits: a word is a float, or two bfloat16.
size_t dis_packed_count(const dis_packed_convolution *convolution);

/// Packs `weight` [outputs, inputs, kernel height, kernel width], each output multiplied by its
/// `gain`. Weights are computed in double and rounded once. Strides are not used.
///
/// The order depends on the instruction set: [panel of outputs][matrix][inputs][outputs of the
/// panel], where the matrices are the taps of the kernel or the values of the method's transform.
/// In DIS_BFLOAT16, a matrix is [inputs / 2][outputs of the panel][2].
void dis_pack(
    enum dis_instructions instructions, float *packed, const float *weight, const double *gain,
    const dis_packed_convolution *convolution);

/// The number of floats that `dis_convolve_packed` needs to work in. Strides are not used.
size_t dis_packed_scratch(
    enum dis_instructions instructions, const dis_packed_convolution *convolution);

/// out[i, j, o] = activation(bias[o] + sum_{u, v, c} weight[o, c, u, v] * x[i', j', c]), where i' =
/// i * stride + u - padding_height and j' = j * stride + v - padding_width. `x` is 0 outside the
/// image; with `add`, the result is added to `out`.
///
/// - `packed` comes from `dis_pack` with the same instructions.
/// - `bias` holds a value for each channel that is written, 0 for those past `outputs`.
/// - `in_stride` is at least `inputs`; for other methods than DIS_DIRECT, which read whole groups,
///   at
///   least `inputs` rounded up to DIS_CHANNELS.
/// - `out_stride` is at least `outputs` rounded up to DIS_CHANNELS.
/// - `packed` and `scratch` lie at multiples of 64 bytes. The plain loops need neither the
///   alignment
///   nor the scratch.
/// - For DIS_FOURIER_7, the axis of the kernel is 17 pixels long.
void dis_convolve_packed(
    enum dis_instructions instructions, float *out, const float *x, const float *packed,
    const float *bias, const dis_packed_convolution *convolution, float *scratch);

/// The largest value under the window. Padding is never the largest; NaN always is. `channels` and
/// both strides are multiples of DIS_CHANNELS, and the strides are at least `channels`.
void dis_max_pool_packed(
    enum dis_instructions instructions, float *out, size_t out_stride, const float *x,
    size_t in_stride, size_t channels, dis_window window);

/// The mean of the values under the window, where padding is not counted. With `bias`, which may be
/// null, max(0, mean + bias[c]). `channels` and both strides are multiples of DIS_CHANNELS, and the
/// strides are at least `channels`.
void dis_average_pool_packed(
    enum dis_instructions instructions, float *out, size_t out_stride, const float *x,
    size_t in_stride, const float *bias, size_t channels, dis_window window);

/// Runs `count` rounds of multiply-adds on registers alone: the peak that no kernel can exceed.
float dis_multiply_add(enum dis_instructions instructions, size_t count);

/// The floating-point operations of a round. A multiply-add counts as two.
size_t dis_multiply_add_operations(enum dis_instructions instructions);

#endif
