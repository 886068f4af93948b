// The product of a matrix and a panel of packed weights.

#ifndef DIS_PRODUCT_SIMD_H
#define DIS_PRODUCT_SIMD_H

#include "tiling.h"

#ifdef DIS_PAIRS
#include "pairs_simd.h"
#else
#include "floats_simd.h"
#endif

DIS_BEGIN_KERNELS

/// The number of vectors in a group of channels.
#define GROUP (DIS_CHANNELS / DIS_LANES)

/// The rows to multiply: `rows[m * pitch + i] + offset` points to the `depth` words of row i for
/// matrix m.
typedef struct {
  const float *const *rows;
  size_t pitch;     // Pointers from the rows for one matrix to those for the next.
  size_t matrices;
  size_t depth;
  size_t offset;
  bool cold;  // Whether the rows are in no cache near the processor.
} operand;

/// Computes out[i, j] = activation(bias[j] + sum_{m, k} row(m, i)[k] * weights[m, k, j]) for a tile
/// of `rows` x `width` vectors, all of which are kept in registers.
///
/// Only the first `valid` rows are stored; the others are those of the next tile or repeat the last
/// one. `bias` may be null. With `relu`, the sum is rectified; with `add`, the result is added to
/// `out`. For each row of weights, `step` floats from `ahead` on are prefetched. So are the results
/// that follow this tile in `out`.
INLINE void multiply_tile(
    const size_t rows, const size_t width, float *out, size_t out_stride, operand a, size_t first,
    size_t valid, const float *weights, const float *ahead, size_t step, const float *bias,
    bool relu, bool add) {
  vector sum[DIS_TILE_ROWS][DIS_PANEL_LIMIT];
  UNROLL for (size_t i = 0; i < rows; i++) {
    UNROLL for (size_t j = 0; j < width; j++) {
      sum[i][j] = bias != NULL ? load(bias + j * DIS_LANES) : splat(0);
    }
  }
  UNROLL for (size_t i = 0; i < rows; i++) {
    UNROLL for (size_t j = 0; j < width; j += GROUP) {
      __builtin_prefetch(out + (rows + i) * out_stride + j * DIS_LANES, 1, 2);
    }
  }
  for (size_t m = 0; m < a.matrices; m++) {
    const float *x[DIS_TILE_ROWS];
    UNROLL for (size_t i = 0; i < rows; i++) x[i] = a.rows[m * a.pitch + first + i] + a.offset;
    // If unrolled twice, the values would be loaded in pairs, for which NEON has too few registers.
#pragma clang loop unroll_count(DIS_LANES == 4 ? 1 : 2)
    for (size_t k = 0; k < a.depth; k++) {
      vector w[DIS_PANEL_LIMIT];
      UNROLL for (size_t j = 0; j < width; j++) w[j] = load(weights + j * DIS_LANES);
      weights += width * DIS_LANES;
      __builtin_prefetch(ahead, 0, 2);
      ahead += step;
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

/// The number of multiply-adds of vectors for each line that is prefetched. With 12, Zen 3 is
/// slower, presumably because a core can wait for few lines of the third-level cache at once.
#define PRODUCTS_PER_LINE 48

/// Multiplies `count` rows by a panel in tiles of at most `rows` rows and of nearly the same size:
/// 17 rows are 6, 6 and 5. A tile of few rows would wait for its sums.
///
/// Weights and cold rows are read from beyond the second-level cache, and a tile would wait for
/// them. The last tiles therefore prefetch the panel at `next`, each a share of it, and the tiles
/// before them the rows that follow.
INLINE void multiply_tiles(
    const size_t rows, const size_t width, float *out, size_t out_stride, operand a, size_t count,
    const float *weights, const float *next, const float *bias, bool relu, bool add) {
  const size_t less = rows - 1, half = (rows + 1) / 2, groups = width / GROUP;
  const size_t tiles = (count + rows - 1) / rows;
  const size_t sharing = dis_smaller(tiles, PRODUCTS_PER_LINE / (rows * GROUP));
  const size_t share =
      dis_smaller((groups * DIS_CHANNELS + sharing - 1) / sharing, DIS_CHANNELS);
  for (size_t tile = 0, i = 0; tile < tiles; tile++) {
    const size_t size = count / tiles + (tile < count % tiles);
    float *to = out + i * out_stride;
    const float *ahead = weights;
    size_t step = 0;
    if (tile + sharing >= tiles) {
      step = share;
      ahead = next + (tile + sharing - tiles) * step * a.matrices * a.depth;
    } else if (a.cold) {
      step = size;
      ahead = a.rows[i + size] + a.offset;
    }
    if (size > less) {
      multiply_tile(rows, width, to, out_stride, a, i, size, weights, ahead, step, bias, relu, add);
    } else if (size > half) {
      multiply_tile(less, width, to, out_stride, a, i, size, weights, ahead, step, bias, relu, add);
    } else {
      multiply_tile(half, width, to, out_stride, a, i, size, weights, ahead, step, bias, relu, add);
    }
    i += size;
  }
}

/// Multiplies `count` rows by a panel of `groups` groups of outputs. The pointers of each matrix
/// are followed by DIS_TILE_ROWS copies of the last one. The weights at `next` are those of the
/// product that follows.
static void multiply_panel(
    float *out, size_t out_stride, operand a, size_t count, const float *weights,
    const float *next, size_t groups, const float *bias, bool relu, bool add) {
#if DIS_LANES == 16
#define TILES(rows, width)                                                                       \
  multiply_tiles(rows, width, out, out_stride, a, count, weights, next, bias, relu, add)
  switch (groups) {
    case 1: TILES(12, 1); return;
    case 2: TILES(12, 2); return;
    case 3: TILES(8, 3); return;
    case 4: TILES(6, 4); return;
    case 5: TILES(5, 5); return;
  }
#undef TILES
#else
  (void)groups;
  multiply_tiles(6, GROUP, out, out_stride, a, count, weights, next, bias, relu, add);
#endif
}

DIS_END_KERNELS

#endif
