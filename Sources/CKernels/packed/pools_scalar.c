// The plain loops of packed pools: the fallback on other processors, and the oracle of the tests.

#include "packed_kernels.h"

#include <math.h>

void dis_max_pool_packed_scalar(
    float *out, size_t out_stride, const float *x, size_t in_stride, size_t channels,
    dis_window w) {
  for (size_t pixel = 0; pixel < w.out_height * w.out_width; pixel++, out += out_stride) {
    for (size_t c = 0; c < channels; c++) out[c] = -INFINITY;
    for (size_t tap = 0; tap < w.kernel_height * w.kernel_width; tap++) {
      const size_t y = pixel / w.out_width * w.stride + tap / w.kernel_width - w.padding_height;
      const size_t q = pixel % w.out_width * w.stride + tap % w.kernel_width - w.padding_width;
      if (y >= w.height || q >= w.width) continue;
      const float *in = x + (y * w.width + q) * in_stride;
      for (size_t c = 0; c < channels; c++) {
        out[c] = in[c] > out[c] || in[c] != in[c] ? in[c] : out[c];
      }
    }
  }
}

void dis_average_pool_packed_scalar(
    float *out, size_t out_stride, const float *x, size_t in_stride, const float *bias,
    size_t channels, dis_window w) {
  for (size_t pixel = 0; pixel < w.out_height * w.out_width; pixel++, out += out_stride) {
    size_t count = 0;
    for (size_t c = 0; c < channels; c++) out[c] = 0;
    for (size_t tap = 0; tap < w.kernel_height * w.kernel_width; tap++) {
      const size_t y = pixel / w.out_width * w.stride + tap / w.kernel_width - w.padding_height;
      const size_t q = pixel % w.out_width * w.stride + tap % w.kernel_width - w.padding_width;
      if (y >= w.height || q >= w.width) continue;
      const float *in = x + (y * w.width + q) * in_stride;
      count++;
      for (size_t c = 0; c < channels; c++) out[c] += in[c];
    }
    for (size_t c = 0; c < channels; c++) {
      const float mean = out[c] / (float)count;
      out[c] = bias == NULL ? mean : mean + bias[c] < 0 ? 0 : mean + bias[c];
    }
  }
}
