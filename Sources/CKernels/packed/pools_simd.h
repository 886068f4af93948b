// Pools of images in the layout [H, W, C].

#include "../instructions/vector.h"
#include "layout.h"
#include "packed_kernels.h"

#include <math.h>

DIS_BEGIN_KERNELS

/// The part of the image under a window: rows [top, bottom) and columns [left, right).
typedef struct {
  size_t top, bottom, left, right;
} region;

INLINE region covered(dis_window w, size_t y, size_t q) {
  const size_t top = y * w.stride, left = q * w.stride;  // On the axes including their padding.
  return (region){
      top > w.padding_height ? top - w.padding_height : 0,
      dis_smaller(top + w.kernel_height - w.padding_height, w.height),
      left > w.padding_width ? left - w.padding_width : 0,
      dis_smaller(left + w.kernel_width - w.padding_width, w.width)};
}

/// The number of vectors that are processed together. A single vector would wait for its own result
/// at every pixel.
#define TOGETHER 4

/// Prefetches the results of a pixel that follows soon. Branches write to a part of each pixel, and
/// so to memory that no processor prefetches by itself.
INLINE void prefetch_results(const float *out, size_t out_stride, size_t channels) {
  for (size_t c = 0; c < channels; c += DIS_CHANNELS) {
    __builtin_prefetch(out + 4 * out_stride + c, 1, 2);
  }
}

/// Prefetches the pixels by which the window below this one extends beyond it, for a stride of 2:
/// only pools with this stride have images that are too large for a near cache.
INLINE void prefetch_below(
    const size_t vectors, const float *x, size_t in_stride, region r, size_t width) {
  UNROLL for (size_t i = 0; i < 2; i++) {
    UNROLL for (size_t j = 0; j < 2; j++) {
      UNROLL for (size_t k = 0; k < vectors; k += DIS_CHANNELS / DIS_LANES) {
        const size_t pixel = (r.bottom + i) * width + r.left + j;
        __builtin_prefetch(x + pixel * in_stride + k * DIS_LANES, 0, 2);
      }
    }
  }
}

/// Computes the largest values under a window for `vectors` vectors of channels.
INLINE void max_under(
    const size_t vectors, float *out, const float *x, size_t in_stride, region r, size_t width) {
  prefetch_below(vectors, x, in_stride, r, width);
  vector largest[TOGETHER];
  UNROLL for (size_t k = 0; k < vectors; k++) largest[k] = splat(-INFINITY);
  for (size_t i = r.top; i < r.bottom; i++) {
    for (size_t j = r.left; j < r.right; j++) {
      UNROLL for (size_t k = 0; k < vectors; k++) {
        const vector v = load(x + (i * width + j) * in_stride + k * DIS_LANES);
        largest[k] = choose((v > largest[k]) | (v != v), v, largest[k]);
      }
    }
  }
  UNROLL for (size_t k = 0; k < vectors; k++) store(out + k * DIS_LANES, largest[k]);
}

void DIS_KERNEL(dis_max_pool_packed)(
    float *out, size_t out_stride, const float *x, size_t in_stride, size_t channels,
    dis_window w) {
  for (size_t y = 0; y < w.out_height; y++) {
    for (size_t q = 0; q < w.out_width; q++, out += out_stride) {
      const region r = covered(w, y, q);
      prefetch_results(out, out_stride, channels);
      size_t c = 0;
      for (; c + TOGETHER * DIS_LANES <= channels; c += TOGETHER * DIS_LANES) {
        max_under(TOGETHER, out + c, x + c, in_stride, r, w.width);
      }
      for (; c < channels; c += DIS_LANES) max_under(1, out + c, x + c, in_stride, r, w.width);
    }
  }
}

/// Computes the means under a window for `vectors` vectors of channels. With `bias`, max(0, mean +
/// bias).
INLINE void mean_under(
    const size_t vectors, float *out, const float *x, size_t in_stride, const float *bias,
    region r, size_t width) {
  const vector count = splat((float)((r.bottom - r.top) * (r.right - r.left)));
  vector sum[TOGETHER];
  UNROLL for (size_t k = 0; k < vectors; k++) sum[k] = splat(0);
  for (size_t i = r.top; i < r.bottom; i++) {
    for (size_t j = r.left; j < r.right; j++) {
      UNROLL for (size_t k = 0; k < vectors; k++) {
        sum[k] += load(x + (i * width + j) * in_stride + k * DIS_LANES);
      }
    }
  }
  UNROLL for (size_t k = 0; k < vectors; k++) {
    const vector mean = sum[k] / count;
    store(
        out + k * DIS_LANES,
        bias != NULL ? rectified(mean + load(bias + k * DIS_LANES)) : mean);
  }
}

void DIS_KERNEL(dis_average_pool_packed)(
    float *out, size_t out_stride, const float *x, size_t in_stride, const float *bias,
    size_t channels, dis_window w) {
  for (size_t y = 0; y < w.out_height; y++) {
    for (size_t q = 0; q < w.out_width; q++, out += out_stride) {
      const region r = covered(w, y, q);
      prefetch_results(out, out_stride, channels);
      size_t c = 0;
      for (; c + TOGETHER * DIS_LANES <= channels; c += TOGETHER * DIS_LANES) {
        mean_under(
            TOGETHER, out + c, x + c, in_stride, bias != NULL ? bias + c : NULL, r, w.width);
      }
      for (; c < channels; c += DIS_LANES) {
        mean_under(1, out + c, x + c, in_stride, bias != NULL ? bias + c : NULL, r, w.width);
      }
    }
  }
}

DIS_END_KERNELS
