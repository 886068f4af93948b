#ifndef DIS_PACKED_H
#define DIS_PACKED_H
#include <stdbool.h>
#include <stddef.h>

#include "dis_convolution.h"
#include "dis_mamba.h"

// Convolutions and pools of one image laid out [H, W, C], with weights packed in advance.
//
// A pixel's channels are followed by those of the next pixel after `stride` floats, so an image can
// be a range of the channels of a wider one: that is how results are joined. Operations write whole
// groups of DIS_CHANNELS channels. Those past the last channel become the activation of zero.

/// Channels are written in groups of this many.
#define DIS_CHANNELS 16

/// How a convolution is computed.
enum dis_method {
  /// As defined, by matrix products without unfolding. Takes every convolution.
  DIS_DIRECT = 0,
  /// Minimal filtering, four outputs along each axis at a time: 3 x 3, 5 x 5, 1 x 3 and 3 x 1,
  /// stride 1.
  DIS_WINOGRAD,
  /// The same with two outputs at a time: 3 x 3, stride 1. More products and fewer weights, for
  /// images of so few tiles that the weights are what takes the time.
  DIS_WINOGRAD_2,
  /// The same for 3 x 3 alone, with weights stored as they are and transformed as they are used:
  /// a quarter of the memory, for large images that pay for the transform.
  DIS_WINOGRAD_COMPACT,
  /// The discrete Fourier transform of length 20: 1 x 7 and 7 x 1 with padding 3, stride 1, along
  /// lines of 17 pixels.
  DIS_FOURIER_7,
};

/// What numbers are multiplied.
enum dis_precision {
  DIS_FLOAT32 = 0,
  /// Weights and what they are multiplied by are rounded to the 8 significant bits of bfloat16, to
  /// nearest, ties to even; products are exact and summed in float32. See bfloat16.h.
  DIS_BFLOAT16,
};

/// A convolution of one image.
typedef struct {
  dis_window window;
  size_t inputs, outputs;        // Channels.
  size_t in_stride, out_stride;  // Floats from a pixel to the next one.
  bool relu;                     // Whether negative results become zero. NaN stays NaN.
  bool doubled;                  // Whether each pixel is read as 2 x 2; the window is over those.
  bool add;                      // Whether results are added to what is there.
  enum dis_method method;
  enum dis_precision precision;  // DIS_BFLOAT16 is for DIS_DIRECT and DIS_FOURIER_7.
} dis_packed_convolution;

/// Whether the method computes this convolution with these instructions.
bool dis_method_applies(
    enum dis_instructions instructions, enum dis_method method, dis_window window);

/// The instructions that take the place of `instructions` for DIS_BFLOAT16: AVX-512 needs those for
/// bfloat16, which not every processor with AVX-512 has.
enum dis_instructions dis_bfloat16_instructions(enum dis_instructions instructions);

/// Words of 32 bits of the packed weights: a float, or two bfloat16.
size_t dis_packed_count(const dis_packed_convolution *convolution);

/// Packs `weight` [outputs, inputs, kernel height, kernel width], each output multiplied by its
/// `gain`. Computed in double and rounded once. The order is the instruction set's:
/// [panel of outputs][matrix][inputs][outputs of the panel], where the matrices are the taps of the
/// kernel or the points of the method. Of DIS_BFLOAT16, [inputs / 2][outputs of the panel][2].
void dis_pack(
    enum dis_instructions instructions, float *packed, const float *weight, const double *gain,
    const dis_packed_convolution *convolution);

/// Floats that `dis_convolve_packed` needs to work in.
size_t dis_packed_scratch(
    enum dis_instructions instructions, const dis_packed_convolution *convolution);

/// out[y, x, o] = activation(bias[o] + sum_{u, v, c} weight[o, c, u, v] * x[..., c]), zero outside
/// the image, or as much more. `packed` and `scratch` lie at multiples of 64 bytes; `bias` holds the outputs rounded
/// up to DIS_CHANNELS.
void dis_convolve_packed(
    enum dis_instructions instructions, float *out, const float *x, const float *packed,
    const float *bias, const dis_packed_convolution *convolution, float *scratch);

/// The largest value under the window. Padding never is, NaN always. `channels` and both strides
/// are multiples of DIS_CHANNELS.
void dis_max_pool_packed(
    enum dis_instructions instructions, float *out, size_t out_stride, const float *x,
    size_t in_stride, size_t channels, dis_window window);

/// The mean of the values under the window, padding not counted; plus bias[c], then max(0, ...), if
/// `bias` is given. `channels` and both strides are multiples of DIS_CHANNELS.
void dis_average_pool_packed(
    enum dis_instructions instructions, float *out, size_t out_stride, const float *x,
    size_t in_stride, const float *bias, size_t channels, dis_window window);

/// Multiply-adds on registers alone, in `count` rounds: what a kernel could reach at most.
float dis_multiply_add(enum dis_instructions instructions, size_t count);

/// Floating-point operations of a round, a multiply-add counted as two.
size_t dis_multiply_add_operations(enum dis_instructions instructions);

#endif
