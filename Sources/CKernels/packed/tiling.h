#ifndef DIS_PACKED_TILING_H
#define DIS_PACKED_TILING_H

// The division of an image by a convolution, so that values computed together stay in a cache.

#include "layout.h"

/// The largest number of rows of a tile of registers.
#define DIS_TILE_ROWS 12

/// Returns the size of a block: about `target`, such that `count` is divided into blocks of nearly
/// the same size. The inputs of a block stay in the second-level cache while all panels of weights
/// are read.
static inline size_t dis_block(size_t count, size_t target) {
  const size_t blocks = (count + target / 2) / target;
  return blocks < 2 ? count : (count + blocks - 1) / blocks;
}

/// The number of pixels in a block of the direct method.
#define DIS_DIRECT_BLOCK 96

/// The division of an image by a method with transforms.
typedef struct {
  size_t tiles, block;      // The number of tiles, and of tiles computed together.
  size_t rows, columns;     // The outputs of a tile; fewer at the lower and right edges.
  size_t values;            // Values of a tile after the transform, per channel.
  size_t depth;             // Floats from the inputs of one tile to those of the next.
  size_t v_plane, m_plane;  // Floats from one value to the next, for inputs and for products.
  size_t weights;           // Floats of a panel's weights that are transformed on use.
} dis_tiling;

/// The approximate number of floats in the transformed inputs of a block and the products of a
/// panel. They share the second-level cache with a part of the weights.
#define DIS_TILED_FLOATS 200000

/// The same for DIS_WINOGRAD_COMPACT, where each block transforms all weights again and is
/// therefore larger: about a share of a third-level cache. The second-level cache holds the
/// inputs and weights of one matrix.
#define DIS_TILED_FLOATS_COMPACT 4000000

/// The same for DIS_WINOGRAD_HALVING, whose images have few tiles and many weights: they are read
/// once for an image.
#define DIS_TILED_FLOATS_HALVING 900000

/// The largest number of tiles in a block. `dis_block` exceeds its target by up to a half, so
/// targets are at most half of this.
#define DIS_TILE_LIMIT 512

static inline dis_tiling dis_tile(const dis_packed_convolution *c) {
  const dis_window w = c->window;
  dis_tiling t = {.rows = 1, .columns = 1, .values = dis_values(c)};
  t.depth = dis_round_up(c->inputs, DIS_CHANNELS);
  const bool compact = c->method == DIS_WINOGRAD_COMPACT;
  switch (c->method) {
    case DIS_DIRECT: break;
    case DIS_WINOGRAD:
    case DIS_WINOGRAD_2:
    case DIS_WINOGRAD_HALVING:
    case DIS_WINOGRAD_COMPACT:
      t.rows = dis_winograd_outputs(c->method, w.kernel_height);
      t.columns = dis_winograd_outputs(c->method, w.kernel_width);
      break;
    case DIS_FOURIER_7:
      t.rows = w.kernel_width > 1 ? 1 : w.out_height;
      t.columns = w.kernel_width > 1 ? w.out_width : 1;
      break;
  }
  t.tiles = (w.out_height + t.rows - 1) / t.rows * ((w.out_width + t.columns - 1) / t.columns);
  const size_t panel = DIS_PANEL_LIMIT * DIS_CHANNELS;
  size_t floats = DIS_TILED_FLOATS, limit = 32;
  if (c->method == DIS_WINOGRAD_HALVING) {
    floats = DIS_TILED_FLOATS_HALVING;
    limit = 64;
  }
  if (compact) {
    floats = DIS_TILED_FLOATS_COMPACT;
    limit = DIS_TILE_LIMIT / 2;
  }
  const size_t target = floats / (t.values * (t.depth + panel));
  t.block = dis_block(t.tiles, target < 6 ? 6 : dis_smaller(target, limit));
  // An additional line keeps the values of a tile from falling into the same set of a cache.
  t.v_plane = t.block * t.depth + 16;
  t.m_plane = t.block * panel + 16;
  t.weights = compact ? t.values * c->inputs * panel : 0;
  return t;
}

#endif
