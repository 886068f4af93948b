#include "packed_kernels.h"
#include "ranges.h"

void dis_convolve_packed(
    enum dis_instructions instructions, float *out, const float *x, const float *packed,
    const float *bias, const dis_packed_convolution *convolution, float *scratch) {
  assert(dis_convolution_is_valid(convolution));
  assert(dis_convolution_is_for(instructions, convolution));
  assert(dis_strides_are_valid(convolution));
  assert(dis_lines_are_valid(convolution));
  assert(instructions == DIS_SCALAR || (dis_is_aligned(packed) && dis_is_aligned(scratch)));
  if (convolution->precision == DIS_BFLOAT16) {
    DIS_DISPATCH(dis_convolve_bfloat16, out, x, packed, bias, convolution, scratch)
  } else {
    DIS_DISPATCH(dis_convolve_packed, out, x, packed, bias, convolution, scratch)
  }
}

void dis_max_pool_packed(
    enum dis_instructions instructions, float *out, size_t out_stride, const float *x,
    size_t in_stride, size_t channels, dis_window window) {
  assert(dis_pool_is_valid(out_stride, in_stride, channels, window));
  DIS_DISPATCH(dis_max_pool_packed, out, out_stride, x, in_stride, channels, window)
}

void dis_average_pool_packed(
    enum dis_instructions instructions, float *out, size_t out_stride, const float *x,
    size_t in_stride, const float *bias, size_t channels, dis_window window) {
  assert(dis_pool_is_valid(out_stride, in_stride, channels, window));
  DIS_DISPATCH(
      dis_average_pool_packed, out, out_stride, x, in_stride, bias, channels, window)
}
