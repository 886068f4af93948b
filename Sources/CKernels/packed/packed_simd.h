// Convolutions and pools of images laid out [H, W, C]. The file for bfloat16 defines DIS_PAIRS too.

#include "../instructions/vector.h"
#include "packed_internal.h"

#include <math.h>

DIS_BEGIN_KERNELS

/// Vectors in a group of DIS_CHANNELS channels.
#define GROUP (DIS_CHANNELS / DIS_LANES)

// MARK: Matrix product

#ifndef DIS_PAIRS
// A word of a product's rows is a float.

INLINE vector broadcast(const float *word) { return splat(*word); }

INLINE vector add_product(vector sum, vector x, vector w) { return multiply_add(x, w, sum); }

/// The row itself.
INLINE const float *to_words(float *to, const float *row, size_t count) {
  (void)to, (void)count;
  return row;
}
#else
#include "pairs_simd.h"
#endif

/// The rows of a product: `rows[m][i]` points to the words of row i for matrix m, `depth` of them.
typedef struct {
  const float *const *rows;
  size_t pitch;     // From rows[m] to rows[m + 1].
  size_t matrices;
  size_t depth;
} operand;

/// out[i, j] = activation(bias[j] + sum_{m, k} a.rows[m][i][k] * weights[m, k, j]) for a tile of
/// `rows` x `width` vectors, all of it in registers. Only the first `valid` rows are there; the
/// pointers of the others repeat the last one's. Without `bias` nothing is added nor rectified.
/// With `add` the results are added to `out`.
/// For each row of weights, a group from `ahead` on is asked for from memory.
INLINE void multiply_tile(
    const size_t rows, const size_t width, float *out, size_t out_stride, operand a, size_t first,
    size_t valid, const float *weights, const float *ahead, const float *bias, bool relu,
    bool add) {
  vector sum[DIS_TILE_ROWS][DIS_PANEL_LIMIT];
  UNROLL for (size_t i = 0; i < rows; i++) {
    UNROLL for (size_t j = 0; j < width; j++) {
      sum[i][j] = bias != NULL ? load(bias + j * DIS_LANES) : splat(0);
    }
  }
  for (size_t m = 0; m < a.matrices; m++) {
    const float *x[DIS_TILE_ROWS];
    UNROLL for (size_t i = 0; i < rows; i++) x[i] = a.rows[m * a.pitch + first + i];
    // Twice would make pairs of the values, for which NEON's registers do not suffice.
#pragma clang loop unroll_count(DIS_LANES == 4 ? 1 : 2)
    for (size_t k = 0; k < a.depth; k++) {
      vector w[DIS_PANEL_LIMIT];
      UNROLL for (size_t j = 0; j < width; j++) w[j] = load(weights + j * DIS_LANES);
      weights += width * DIS_LANES;
      __builtin_prefetch(ahead, 0, 2);
      ahead += DIS_CHANNELS;
      UNROLL for (size_t i = 0; i < rows; i++) {
        const vector value = broadcast(x[i] + k);
        UNROLL for (size_t j = 0; j < width; j++) sum[i][j] = add_product(sum[i][j], value, w[j]);
      }
    }
  }
  UNROLL for (size_t i = 0; i < rows; i++) {
    UNROLL for (size_t j = 0; j < width; j++) {
      if (relu) sum[i][j] = rectified(sum[i][j]);
      float *to = out + i * out_stride + j * DIS_LANES;
      if (i < valid) store(to, add ? load(to) + sum[i][j] : sum[i][j]);
    }
  }
}

/// All `count` rows of a panel: tiles of `rows`, and one of half of them where that is enough.
///
/// The weights come from beyond the second-level cache, and the first tile would wait for them. So
/// the tiles of one panel ask for the next one, each for a part: 5 % of the time of Inception.
INLINE void multiply_tiles(
    const size_t rows, const size_t width, float *out, size_t out_stride, operand a, size_t count,
    const float *weights, const float *bias, bool relu,
    bool add) {
  const size_t half = (rows + 1) / 2;
  for (size_t i = 0; i < count;) {
    const size_t left = count - i;
    float *to = out + i * out_stride;
    const size_t part = a.matrices * a.depth * DIS_CHANNELS, tile = i / rows;
    const float *ahead = weights + (tile < width / GROUP ? width / GROUP + tile : 0) * part;
    if (left > half) {
      multiply_tile(rows, width, to, out_stride, a, i, left, weights, ahead, bias, relu, add);
      i += rows;
    } else {
      multiply_tile(half, width, to, out_stride, a, i, left, weights, ahead, bias, relu, add);
      i += half;
    }
  }
}

/// The product of `count` rows with one panel of `groups` groups of outputs. Behind the last
/// pointer of each matrix stand DIS_TILE_ROWS copies of it.
static void multiply_panel(
    float *out, size_t out_stride, operand a, size_t count, const float *weights, size_t groups,
    const float *bias, bool relu,
    bool add) {
#if DIS_LANES == 16
  switch (groups) {
    case 1: multiply_tiles(12, 1, out, out_stride, a, count, weights, bias, relu, add); return;
    case 2: multiply_tiles(12, 2, out, out_stride, a, count, weights, bias, relu, add); return;
    case 3: multiply_tiles(8, 3, out, out_stride, a, count, weights, bias, relu, add); return;
    case 4: multiply_tiles(6, 4, out, out_stride, a, count, weights, bias, relu, add); return;
    case 5: multiply_tiles(5, 5, out, out_stride, a, count, weights, bias, relu, add); return;
  }
#else
  (void)groups;
  multiply_tiles(6, GROUP, out, out_stride, a, count, weights, bias, relu, add);
#endif
}

// MARK: Direct convolution

/// An implicit matrix product: a table holds for each tap where each pixel's inputs begin, a line
/// of zeros outside the image. Within a block of pixels, all panels of weights.
static void convolve_direct(
    float *out, const float *x, const float *packed, const float *bias,
    const dis_packed_convolution *c, float *scratch) {
  const dis_window w = c->window;
  // Without padding, the taps of a row are one run of values where pixels follow without a gap.
  const bool runs = w.padding_width == 0 && c->in_stride == c->inputs && !c->doubled &&
                    c->precision == DIS_FLOAT32;
  const size_t columns = runs ? 1 : w.kernel_width, taps = w.kernel_height * columns;
  const size_t depth = runs ? c->inputs * w.kernel_width : c->inputs;
  const size_t words = dis_words(c, depth), pixels = w.out_height * w.out_width;
  const size_t groups = dis_round_up(c->outputs, DIS_CHANNELS) / DIS_CHANNELS;
  const size_t block = dis_block(pixels, DIS_DIRECT_BLOCK), pitch = block + DIS_TILE_ROWS;
  float *zeros = scratch;
  memset(zeros, 0, depth * sizeof *zeros);
  const float **table = (const float **)(scratch + dis_round_up(depth, 16));
  float *converted = (float *)(table + taps * pitch);  // Of the block, where words are no floats.

  for (size_t first = 0; first < pixels; first += block) {
    const size_t count = dis_smaller(block, pixels - first);
    for (size_t tap = 0; tap < taps; tap++) {
      const float **row = table + tap * pitch;
      for (size_t i = 0; i < count + DIS_TILE_ROWS; i++) {
        if (i >= count) {
          row[i] = row[count - 1];
          continue;
        }
        const size_t pixel = first + i;
        const size_t y = pixel / w.out_width * w.stride + tap / columns - w.padding_height;
        const size_t q = pixel % w.out_width * w.stride + tap % columns - w.padding_width;
        row[i] = to_words(
            converted + (tap * block + i) * words, dis_pixel(c, x, y, q, zeros), depth);
      }
    }
    const operand a = {table, pitch, taps, words};
    const float *weights = packed;
    for (size_t group = 0; group < groups;) {
      const size_t panel = dis_panel_groups(DIS_SET, groups - group);
      multiply_panel(
          out + first * c->out_stride + group * DIS_CHANNELS, c->out_stride, a, count, weights,
          panel, bias + group * DIS_CHANNELS, c->relu, c->add);
      weights += taps * words * panel * DIS_CHANNELS;
      group += panel;
    }
  }
}

#include "transformed_simd.h"
#include "../fourier/fourier_simd.h"

#ifdef DIS_PAIRS

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

#else
#include "../winograd/winograd_simd.h"

void DIS_KERNEL(dis_convolve_packed)(
    float *out, const float *x, const float *packed, const float *bias,
    const dis_packed_convolution *c, float *scratch) {
  switch (c->method) {
    case DIS_DIRECT: convolve_direct(out, x, packed, bias, c, scratch); return;
    case DIS_WINOGRAD:
    case DIS_WINOGRAD_2:
    case DIS_WINOGRAD_COMPACT: convolve_winograd(out, x, packed, bias, c, scratch); return;
    case DIS_FOURIER_7:
      convolve_transformed(
          out, x, packed, bias, c, scratch, NULL, fourier_forward, fourier_inverse);
      return;
  }
}

// MARK: Pools

/// The part of a window at one position that lies in the image: rows [top, bottom), columns
/// [left, right).
typedef struct {
  size_t top, bottom, left, right;
} region;

INLINE region covered(dis_window w, size_t y, size_t q) {
  const size_t top = y * w.stride, left = q * w.stride;  // On the padded axes.
  return (region){
      top > w.padding_height ? top - w.padding_height : 0,
      dis_smaller(top + w.kernel_height - w.padding_height, w.height),
      left > w.padding_width ? left - w.padding_width : 0,
      dis_smaller(left + w.kernel_width - w.padding_width, w.width)};
}

/// Vectors whose windows are walked together: one alone would wait for itself at every pixel.
#define TOGETHER 4

/// The largest values of `vectors` vectors of channels.
INLINE void max_under(
    const size_t vectors, float *out, const float *x, size_t in_stride, region r, size_t width) {
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
      size_t c = 0;
      for (; c + TOGETHER * DIS_LANES <= channels; c += TOGETHER * DIS_LANES) {
        max_under(TOGETHER, out + c, x + c, in_stride, r, w.width);
      }
      for (; c < channels; c += DIS_LANES) max_under(1, out + c, x + c, in_stride, r, w.width);
    }
  }
}

/// The means of `vectors` vectors of channels, with `bias` added and rectified if there is one.
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

// MARK: Peak

float DIS_KERNEL(dis_multiply_add)(size_t count) {
  vector sums[DIS_INDEPENDENT_SUMS], x = splat((float)count), y = splat(0.5f);
  x = x / (x + 1);  // Nothing that is known when this is compiled.
  UNROLL for (size_t i = 0; i < DIS_INDEPENDENT_SUMS; i++) sums[i] = splat((float)i);
  for (size_t round = 0; round < count; round++) {
    UNROLL for (size_t i = 0; i < DIS_INDEPENDENT_SUMS; i++) {
      sums[i] = multiply_add(sums[i], x, y);
    }
  }
  UNROLL for (size_t i = 1; i < DIS_INDEPENDENT_SUMS; i++) sums[0] += sums[i];
  return sums[0][0];
}

#endif

DIS_END_KERNELS
