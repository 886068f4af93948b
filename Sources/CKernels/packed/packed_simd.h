// The vector kernels of packed convolutions and pools in floats.

#include "../fourier/fourier_simd.h"
#include "../winograd/winograd_simd.h"
#include "direct_simd.h"
#include "packed_kernels.h"
#include "pools_simd.h"

DIS_BEGIN_KERNELS

void DIS_KERNEL(dis_convolve_packed)(
    float *out, const float *x, const float *packed, const float *bias,
    const dis_packed_convolution *c, float *scratch) {
  switch (c->method) {
    case DIS_DIRECT: convolve_direct(out, x, packed, bias, c, scratch); return;
    case DIS_WINOGRAD:
    case DIS_WINOGRAD_2:
    case DIS_WINOGRAD_HALVING:
    case DIS_WINOGRAD_COMPACT: convolve_winograd(out, x, packed, bias, c, scratch); return;
    case DIS_FOURIER_7:
      convolve_transformed(
          out, x, packed, bias, c, scratch, NULL, fourier_forward, fourier_inverse);
      return;
  }
}

DIS_END_KERNELS
