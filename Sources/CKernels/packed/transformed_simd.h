// Convolution as a product of transforms. The image is divided into tiles, and the inputs of each
// tile are transformed to a number of values. For each value, one matrix product multiplies all
// tiles by the transformed weights. The products are transformed back. A method consists of these
// two transforms.
//
// A block has so few tiles that all of their values stay in the second-level cache.

#ifndef DIS_TRANSFORMED_SIMD_H
#define DIS_TRANSFORMED_SIMD_H

#include "product_simd.h"

DIS_BEGIN_KERNELS

/// Transforms the stored weights of a panel to those used in the products. Each matrix has `count`
/// weights.
typedef void weight_transform(float *u, const float *packed, size_t count);

/// Transforms the inputs of a tile to its values, which are stored `plane` floats apart.
typedef void forward_transform(
    float *v, size_t plane, const float *x, const dis_packed_convolution *c, size_t tile,
    const float *zeros);

/// Transforms the products of a tile, which are stored `plane` floats apart, to `width` outputs of
/// each pixel.
typedef void inverse_transform(
    float *out, const float *m, size_t plane, size_t width, const float *bias,
    const dis_packed_convolution *c, size_t tile);

/// Stores outputs: rectified with `relu`, added to `to` with `add`.
INLINE void finish(float *to, vector y, const dis_packed_convolution *c) {
  if (c->relu) y = rectified(y);
  store(to, c->add ? load(to) + y : y);
}

/// Prefetches the outputs of a tile, `groups` groups of each pixel.
static void prefetch_outputs(
    const float *out, size_t groups, const dis_packed_convolution *c, dis_tiling t, size_t tile) {
  const dis_window w = c->window;
  const size_t across = (w.out_width + t.columns - 1) / t.columns;
  const size_t y = tile / across * t.rows, x = tile % across * t.columns;
  const size_t bottom = dis_smaller(y + t.rows, w.out_height);
  const size_t right = dis_smaller(x + t.columns, w.out_width);
  for (size_t i = y; i < bottom; i++) {
    for (size_t j = x; j < right; j++) {
      const float *pixel = out + (i * w.out_width + j) * c->out_stride;
      for (size_t group = 0; group < groups; group++) {
        __builtin_prefetch(pixel + group * DIS_CHANNELS, 1, 2);
      }
    }
  }
}

static void convolve_transformed(
    float *out, const float *x, const float *packed, const float *bias,
    const dis_packed_convolution *c, float *scratch, weight_transform *transform,
    forward_transform *forward, inverse_transform *inverse) {
  const dis_tiling t = dis_tile(c);
  const size_t groups = dis_round_up(c->outputs, DIS_CHANNELS) / DIS_CHANNELS;
  const size_t words = dis_words(c, c->inputs);
  float *zeros = scratch, *v = zeros + t.depth, *m = v + t.values * t.v_plane;
  float *u = m + t.values * t.m_plane;
  memset(zeros, 0, t.depth * sizeof *zeros);

  for (size_t first = 0; first < t.tiles; first += t.block) {
    const size_t count = dis_smaller(t.block, t.tiles - first);
    for (size_t i = 0; i < count; i++) {
      float *values = v + i * t.depth;
      forward(values, t.v_plane, x, c, first + i, zeros);
      for (size_t value = 0; value < t.values; value++, values += t.v_plane) {
        to_words(values, values, c->inputs);
      }
    }
    const float *rows[DIS_TILE_LIMIT + DIS_TILE_ROWS];
    for (size_t i = 0; i < count + DIS_TILE_ROWS; i++) {
      rows[i] = v + dis_smaller(i, count - 1) * t.depth;
    }
    const float *stored = packed;
    for (size_t group = 0; group < groups;) {
      const size_t panel = dis_panel_groups(DIS_SET, groups - group), width = panel * DIS_CHANNELS;
      const float *weights = stored, *after = stored + dis_matrices(c) * words * width;
      if (transform != NULL) {
        transform(u, stored, c->inputs * width);
        weights = u;
      }
      for (size_t value = 0; value < t.values; value++) {
        // The outputs are far apart and in no cache. Without this, the transform back would take
        // twice as long.
        for (size_t i = value * count / t.values; i < (value + 1) * count / t.values; i++) {
          prefetch_outputs(out + group * DIS_CHANNELS, panel, c, t, first + i);
        }
        const operand a = {rows, 0, 1, words, value * t.v_plane, false};
        const float *next = weights + dis_matrix(c, value + 1) * words * width;
        if (value + 1 == t.values) next = group + panel < groups ? after : packed;
        multiply_panel(
            m + value * t.m_plane, width, a, count, weights + dis_matrix(c, value) * words * width,
            next, panel, NULL, false, false);
      }
      for (size_t i = 0; i < count; i++) {
        inverse(
            out + group * DIS_CHANNELS, m + i * width, t.m_plane, width,
            bias + group * DIS_CHANNELS, c, first + i);
      }
      stored = after;
      group += panel;
    }
  }
}

DIS_END_KERNELS

#endif
