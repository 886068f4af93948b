// Products of matrices, one of them packed.

#ifndef DIS_PRODUCT_SIMD_H
#define DIS_PRODUCT_SIMD_H

#include "tiling.h"

#ifdef DIS_PAIRS
#include "pairs_simd.h"
#else
#include "floats_simd.h"
#endif

DIS_BEGIN_KERNELS

/// Vectors in a group of DIS_CHANNELS channels.
#define GROUP (DIS_CHANNELS / DIS_LANES)

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

DIS_END_KERNELS

#endif
