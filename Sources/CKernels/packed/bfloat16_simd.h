// The vector kernel of packed convolutions in bfloat16.

#define DIS_PAIRS

#include "../fourier/fourier_simd.h"
#include "direct_simd.h"
#include "packed_kernels.h"

DIS_BEGIN_KERNELS

void DIS_KERNEL(dis_convolve_bfloat16)(
    float *out, const float *x, const float *packed, const float *bias,
    const dis_packed_convolution *c, float *scratch) {
  if (c->method == DIS_DIRECT) {
    convolve_direct(out, x, packed, bias, c, scratch);
  } else {
    convolve_transformed(
        out, x, packed, bias, c, scratch, NULL, fourier_forward, fourier_inverse);
  }
}

DIS_END_KERNELS
