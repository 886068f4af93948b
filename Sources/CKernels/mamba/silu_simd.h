// SiLU, and the gate based on it.

#include "../instructions/exponential_simd.h"
#include "mamba_kernels.h"

DIS_BEGIN_KERNELS

void DIS_KERNEL(dis_silu_gate)(
    float *y, const float *z, size_t z_stride, size_t rows, size_t columns) {
  for (size_t r = 0; r < rows; r++) {
    for (size_t c = 0; c < columns; c += DIS_LANES) {
      const size_t lanes = lanes_left(columns, c);
      float *at = y + r * columns + c;
      store_first(at, load_first(at, lanes) * silu(load_first(z + r * z_stride + c, lanes)), lanes);
    }
  }
}

void DIS_KERNEL(dis_silu)(float *x, size_t count) {
  for (size_t i = 0; i < count; i += DIS_LANES) {
    const size_t lanes = lanes_left(count, i);
    store_first(x + i, silu(load_first(x + i, lanes)), lanes);
  }
}

DIS_END_KERNELS
