// Minimal filtering: the transforms of tiles along both axes.

#include "../packed/transformed_simd.h"
#include "points_simd.h"

DIS_BEGIN_KERNELS

/// The number of outputs of a tile along an axis with `points` points. One point means an axis
/// without a kernel, and 7 a stride of 2.
#define OUTPUTS(points) ((points) == 1 ? 1 : (points) == 4 ? 2 : (points) == 7 ? 3 : 4)

/// The position of the first output of a tile.
typedef struct {
  size_t y, x;
} corner;

INLINE corner tile_corner(
    const size_t rows, const size_t columns, const dis_packed_convolution *c, size_t tile) {
  const size_t across = (c->window.out_width + OUTPUTS(columns) - 1) / OUTPUTS(columns);
  return (corner){tile / across * OUTPUTS(rows), tile % across * OUTPUTS(columns)};
}

/// Computes the values of a tile at all points from its inputs, and stores them `plane` floats
/// apart. The inputs to the right of this tile, which are those of the next one, are prefetched.
INLINE void winograd_forward(
    const size_t rows, const size_t columns, float *v, size_t plane, const float *x,
    const dis_packed_convolution *c, size_t tile, const float *zeros) {
  const dis_window w = c->window;
  const corner at = tile_corner(rows, columns, c, tile);
  const float *pixels[8][8];
  for (size_t i = 0; i < rows; i++) {
    for (size_t j = 0; j < columns; j++) {
      pixels[i][j] = dis_pixel(
          c, x, at.y * w.stride + i - w.padding_height, at.x * w.stride + j - w.padding_width,
          zeros);
    }
  }
  const size_t step = OUTPUTS(columns) * (columns == 7 ? 2 : 1), next = step * c->in_stride;
  for (size_t channel = 0; channel < c->inputs; channel += DIS_LANES) {
    if (channel % DIS_CHANNELS == 0) {
      UNROLL for (size_t j = columns - step; j < columns; j++) {
        UNROLL for (size_t i = 0; i < rows; i++) {
          __builtin_prefetch(pixels[i][j] + next + channel, 0, 2);
        }
      }
    }
    vector d[8][8];
    UNROLL for (size_t j = 0; j < columns; j++) {
      vector column[8];
      UNROLL for (size_t i = 0; i < rows; i++) column[i] = load(pixels[i][j] + channel);
      to_points(rows, column);
      UNROLL for (size_t i = 0; i < rows; i++) d[i][j] = column[i];
    }
    UNROLL for (size_t i = 0; i < rows; i++) {
      to_points(columns, d[i]);
      UNROLL for (size_t j = 0; j < columns; j++) {
        store(v + (i * columns + j) * plane + channel, d[i][j]);
      }
    }
  }
}

/// Computes the outputs of a tile from products that are stored `plane` floats apart.
///
/// Only the first `height` x `across` outputs are stored. With `simple`, those are all outputs, and
/// they are rectified and not added.
INLINE void winograd_outputs(
    const size_t rows, const size_t columns, float *to, const float *m, size_t plane,
    size_t width, const float *bias, const dis_packed_convolution *c, size_t height,
    size_t across, const bool simple) {
  for (size_t channel = 0; channel < width; channel += DIS_LANES) {
    vector d[8][8];
    const vector b = load(bias + channel);
    UNROLL for (size_t j = 0; j < columns; j++) {
      vector column[8];
      UNROLL for (size_t i = 0; i < rows; i++) {
        column[i] = load(m + (i * columns + j) * plane + channel);
      }
      if (rows > 1) from_points(rows, column);
      UNROLL for (size_t i = 0; i < OUTPUTS(rows); i++) d[i][j] = column[i];
    }
    UNROLL for (size_t i = 0; i < OUTPUTS(rows); i++) {
      if (columns > 1) from_points(columns, d[i]);
      UNROLL for (size_t j = 0; j < OUTPUTS(columns); j++) {
        float *pixel = to + (i * c->window.out_width + j) * c->out_stride + channel;
        if (simple) {
          store(pixel, rectified(d[i][j] + b));
        } else if (i < height && j < across) {
          finish(pixel, d[i][j] + b, c);
        }
      }
    }
  }
}

/// Computes the outputs of a tile that are in the image. Nearly all tiles of a network need none of
/// the conditions.
INLINE void winograd_inverse(
    const size_t rows, const size_t columns, float *out, const float *m, size_t plane,
    size_t width, const float *bias, const dis_packed_convolution *c, size_t tile) {
  const dis_window w = c->window;
  const corner at = tile_corner(rows, columns, c, tile);
  const size_t height = dis_smaller(OUTPUTS(rows), w.out_height - at.y);
  const size_t across = dis_smaller(OUTPUTS(columns), w.out_width - at.x);
  float *to = out + (at.y * w.out_width + at.x) * c->out_stride;
  if (height == OUTPUTS(rows) && across == OUTPUTS(columns) && c->relu && !c->add) {
    winograd_outputs(rows, columns, to, m, plane, width, bias, c, height, across, true);
  } else {
    winograd_outputs(rows, columns, to, m, plane, width, bias, c, height, across, false);
  }
}

/// Computes the values of a panel's 3 x 3 kernels at all points. `packed` is [9, count], `u` is
/// [36, count].
static void winograd_weights(float *u, const float *packed, size_t count) {
  for (size_t i = 0; i < count; i += DIS_LANES) {
    vector columns[3][6];
    UNROLL for (size_t v = 0; v < 3; v++) {
      kernel_to_points(
          columns[v], load(packed + v * count + i), load(packed + (3 + v) * count + i),
          load(packed + (6 + v) * count + i));
    }
    UNROLL for (size_t row = 0; row < 6; row++) {
      vector points[6];
      kernel_to_points(points, columns[0][row], columns[1][row], columns[2][row]);
      UNROLL for (size_t j = 0; j < 6; j++) store(u + (row * 6 + j) * count + i, points[j]);
    }
  }
}

#define WINOGRAD(name, rows, columns)                                                            \
  static void name##_forward(                                                                    \
      float *v, size_t plane, const float *x, const dis_packed_convolution *c, size_t tile,      \
      const float *zeros) {                                                                      \
    winograd_forward(rows, columns, v, plane, x, c, tile, zeros);                                \
  }                                                                                              \
  static void name##_inverse(                                                                    \
      float *out, const float *m, size_t plane, size_t width, const float *bias,                 \
      const dis_packed_convolution *c, size_t tile) {                                            \
    winograd_inverse(rows, columns, out, m, plane, width, bias, c, tile);                        \
  }

WINOGRAD(winograd_3x3, 6, 6)
WINOGRAD(winograd_3x3_at_4, 4, 4)
WINOGRAD(winograd_3x3_halving, 7, 7)
WINOGRAD(winograd_5x5, 8, 8)
WINOGRAD(winograd_1x3, 1, 6)
WINOGRAD(winograd_3x1, 6, 1)

static void convolve_winograd(
    float *out, const float *x, const float *packed, const float *bias,
    const dis_packed_convolution *c, float *scratch) {
  forward_transform *forward = winograd_3x3_forward;
  inverse_transform *inverse = winograd_3x3_inverse;
  if (c->method == DIS_WINOGRAD_2) {
    forward = winograd_3x3_at_4_forward;
    inverse = winograd_3x3_at_4_inverse;
  } else if (c->method == DIS_WINOGRAD_HALVING) {
    forward = winograd_3x3_halving_forward;
    inverse = winograd_3x3_halving_inverse;
  } else if (c->window.kernel_height == 5) {
    forward = winograd_5x5_forward;
    inverse = winograd_5x5_inverse;
  } else if (c->window.kernel_height == 1) {
    forward = winograd_1x3_forward;
    inverse = winograd_1x3_inverse;
  } else if (c->window.kernel_width == 1) {
    forward = winograd_3x1_forward;
    inverse = winograd_3x1_inverse;
  }
  weight_transform *weights = c->method == DIS_WINOGRAD_COMPACT ? winograd_weights : NULL;
  convolve_transformed(out, x, packed, bias, c, scratch, weights, forward, inverse);
}

DIS_END_KERNELS
