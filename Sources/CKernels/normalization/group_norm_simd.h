// The passes of group norm over an image in the layout [pixels, channels].

#include "../instructions/exponential_simd.h"
#include "normalization_kernels.h"

DIS_BEGIN_KERNELS

void DIS_KERNEL(dis_channel_moments)(
    double *sums, double *squares, const float *x, const float *origin, size_t pixels,
    size_t channels) {
  for (size_t p = 0; p < pixels; p++, x += channels) {
    for (size_t c = 0; c < channels; c += DIS_LANES) {
      const size_t lanes = lanes_left(channels, c);
      const doubles d = __builtin_convertvector(load_first(x + c, lanes), doubles) -
                        __builtin_convertvector(load_first(origin + c, lanes), doubles);
      doubles sum = {0}, square = {0};
      memcpy(&sum, sums + c, lanes * sizeof *sums);
      memcpy(&square, squares + c, lanes * sizeof *squares);
      sum += d;
      square += d * d;
      memcpy(sums + c, &sum, lanes * sizeof *sums);
      memcpy(squares + c, &square, lanes * sizeof *squares);
    }
  }
}

void DIS_KERNEL(dis_normalize_channels)(
    float *out, const float *x, const float *center, const float *scale, const float *shift,
    size_t pixels, size_t channels, bool apply_silu) {
  for (size_t p = 0; p < pixels; p++, x += channels, out += channels) {
    for (size_t c = 0; c < channels; c += DIS_LANES) {
      const size_t lanes = lanes_left(channels, c);
      const vector centered = load_first(x + c, lanes) - load_first(center + c, lanes);
      const vector y =
          multiply_add(centered, load_first(scale + c, lanes), load_first(shift + c, lanes));
      store_first(out + c, apply_silu ? silu(y) : y, lanes);
    }
  }
}

DIS_END_KERNELS
