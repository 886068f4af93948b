#ifndef DIS_PACKED_TILING_H
#define DIS_PACKED_TILING_H

// How a convolution divides an image, so that what is computed together stays in a cache.

#include "layout.h"

/// Rows of a register tile at most.
#define DIS_TILE_ROWS 12

/// The pixels that are computed together: few enough for their inputs to stay in the second-level
/// cache while all panels of weights pass by, in blocks of about the same size.
static inline size_t dis_block(size_t count, size_t target) {
  const size_t blocks = (count + target / 2) / target;
  return blocks < 2 ? count : (count + blocks - 1) / blocks;
}

/// Pixels of a block of the direct method.
#define DIS_DIRECT_BLOCK 96

/// How a method with transforms divides an image.
typedef struct {
  size_t tiles, block;      // All of them, and those that are computed together.
  size_t values;            // Of a tile after the transform, for each channel.
  size_t depth;             // Floats from a tile's inputs to the next tile's.
  size_t v_plane, m_plane;  // Floats from a value to the next one, of inputs and of products.
  size_t weights;           // Floats of a panel's weights, if those are transformed here.
} dis_tiling;

/// Floats of transformed inputs and of a panel's products for the tiles of a block, about: they and
/// a part of the weights share a second-level cache.
#define DIS_TILED_FLOATS 200000

/// The same where each block transforms all weights anew, so that it is larger: about half a share
/// of a third-level cache. Of each of its matrices, the second-level one holds inputs and weights.
#define DIS_TILED_FLOATS_COMPACT 2000000

/// Tiles of a block at most.
#define DIS_TILE_LIMIT 256

static inline dis_tiling dis_tile(const dis_packed_convolution *c) {
  const dis_window w = c->window;
  dis_tiling t = {.values = dis_values(c), .depth = dis_round_up(c->inputs, DIS_CHANNELS)};
  const bool compact = c->method == DIS_WINOGRAD_COMPACT;
  switch (c->method) {
    case DIS_DIRECT: break;
    case DIS_WINOGRAD:
    case DIS_WINOGRAD_2:
    case DIS_WINOGRAD_COMPACT:
      t.tiles = dis_winograd_tiles(c->method, w.kernel_height, w.out_height) *
                dis_winograd_tiles(c->method, w.kernel_width, w.out_width);
      break;
    case DIS_FOURIER_7: t.tiles = w.kernel_width > 1 ? w.height : w.width; break;
  }
  const size_t panel = DIS_PANEL_LIMIT * DIS_CHANNELS;
  const size_t target = (compact ? DIS_TILED_FLOATS_COMPACT : DIS_TILED_FLOATS) /
                        (t.values * (t.depth + panel));
  const size_t limit = compact ? DIS_TILE_LIMIT / 2 : 32;
  t.block = dis_block(t.tiles, target < 6 ? 6 : dis_smaller(target, limit));
  // The odd lines keep values from falling into the same sets of a cache.
  t.v_plane = t.block * t.depth + 16;
  t.m_plane = t.block * panel + 16;
  t.weights = compact ? t.values * c->inputs * panel : 0;
  return t;
}

#endif
