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
    const float *stored = packed;
    for (size_t group = 0; group < groups;) {
      const size_t panel = dis_panel_groups(DIS_SET, groups - group), width = panel * DIS_CHANNELS;
      const float *weights = stored;
      if (transform != NULL) {
        transform(u, stored, c->inputs * width);
        weights = u;
      }
      for (size_t value = 0; value < t.values; value++, weights += words * width) {
        const float *rows[DIS_TILE_LIMIT + DIS_TILE_ROWS];
        for (size_t i = 0; i < count + DIS_TILE_ROWS; i++) {
          rows[i] = v + value * t.v_plane + dis_smaller(i, count - 1) * t.depth;
        }
        const operand a = {rows, 0, 1, words};
        multiply_panel(m + value * t.m_plane, width, a, count, weights, panel, NULL, false, false);
      }
      for (size_t i = 0; i < count; i++) {
        inverse(
            out + group * DIS_CHANNELS, m + i * width, t.m_plane, width,
            bias + group * DIS_CHANNELS, c, first + i);
      }
      stored += dis_matrices(c) * words * width;
      group += panel;
    }
  }
}

DIS_END_KERNELS

#endif
