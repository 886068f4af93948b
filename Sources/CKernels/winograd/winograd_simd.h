// Minimal filtering (Winograd; Lavin & Gray, arXiv 1509.09308) for kernels of 3 and 5 taps along an
// axis: products of polynomials by their values at some points. Four outputs of a kernel of 3 taps
// are made of the values at 6 points instead of 12 products, of 5 taps at 8 points instead of 20;
// along both axes the savings multiply.
//
// The points of F(4, 3) are 0, +-3/4, +-3/2 and infinity: everything in the transforms of images is
// exact in binary, and the rounding error half that of the usual 0, +-1, +-2. Those of F(4, 5) are
// 0, +-1, +-2, +-1/2 and infinity, those of F(2, 3) 0, +-1 and infinity. Weights are transformed in
// packed.c.

/// A transform along one axis in place: what the polynomial of the inputs is at the points.
INLINE void to_points(const size_t points, vector *d) {
  if (points == 4) {
    const vector zero = d[0] - d[2], one = d[1] + d[2], minus_one = d[2] - d[1];
    d[3] = d[3] - d[1];
    d[0] = zero;
    d[1] = one;
    d[2] = minus_one;
  }
  if (points == 6) {
    const vector even_a = multiply_add(splat(-9.0f / 4), d[2], d[4]);
    const vector odd_a = splat(3.0f / 4) * multiply_add(splat(-9.0f / 4), d[1], d[3]);
    const vector even_b = multiply_add(splat(-9.0f / 16), d[2], d[4]);
    const vector odd_b = splat(3.0f / 2) * multiply_add(splat(-9.0f / 16), d[1], d[3]);
    const vector zero = multiply_add(
        splat(81.0f / 64), d[0], multiply_add(splat(-45.0f / 16), d[2], d[4]));
    const vector infinity = multiply_add(
        splat(81.0f / 64), d[1], multiply_add(splat(-45.0f / 16), d[3], d[5]));
    d[0] = zero;
    d[1] = even_a + odd_a;
    d[2] = even_a - odd_a;
    d[3] = even_b + odd_b;
    d[4] = even_b - odd_b;
    d[5] = infinity;
  }
  if (points == 8) {
    const vector zero = multiply_add(splat(5.25f), d[4] - d[2], d[0] - d[6]);
    const vector infinity = multiply_add(splat(5.25f), d[3] - d[5], d[7] - d[1]);
    const vector even_1 = multiply_add(splat(-4.25f), d[4], d[2] + d[6]);
    const vector odd_1 = multiply_add(splat(-4.25f), d[3], d[1] + d[5]);
    const vector even_2 = multiply_add(
        splat(0.25f), d[2], multiply_add(splat(-1.25f), d[4], d[6]));
    const vector odd_2 = multiply_add(
        splat(0.5f), d[1], multiply_add(splat(-2.5f), d[3], splat(2) * d[5]));
    const vector even_3 = multiply_add(splat(4), d[2], multiply_add(splat(-5), d[4], d[6]));
    const vector odd_3 = multiply_add(
        splat(2), d[1], multiply_add(splat(-2.5f), d[3], splat(0.5f) * d[5]));
    d[0] = zero;
    d[1] = even_1 + odd_1;
    d[2] = even_1 - odd_1;
    d[3] = even_2 + odd_2;
    d[4] = even_2 - odd_2;
    d[5] = even_3 + odd_3;
    d[6] = even_3 - odd_3;
    d[7] = infinity;
  }
}

/// The transform back along one axis in place: the first four coefficients, or two.
INLINE void from_points(const size_t points, vector *m) {
  const vector s = m[1] + m[2], d = m[1] - m[2];
  if (points == 4) {
    m[0] = m[0] + s;
    m[1] = d + m[3];
    return;
  }
  const vector t = m[3] + m[4], e = m[3] - m[4];
  if (points == 6) {
    const vector third = multiply_add(splat(27.0f / 64), d, splat(27.0f / 8) * e) + m[5];
    m[0] = m[0] + s + t;
    m[1] = multiply_add(splat(3.0f / 4), d, splat(3.0f / 2) * e);
    m[2] = multiply_add(splat(9.0f / 16), s, splat(9.0f / 4) * t);
    m[3] = third;
  }
  if (points == 8) {
    // The values at +-1/2 come eightfold from the weights.
    const vector u = m[5] + m[6], f = m[5] - m[6];
    const vector third = multiply_add(splat(8), e, d + f) + m[7];
    m[0] = multiply_add(splat(8), u, m[0] + s + t);
    m[1] = multiply_add(splat(4), f, multiply_add(splat(2), e, d));
    m[2] = multiply_add(splat(2), u, multiply_add(splat(4), t, s));
    m[3] = third;
  }
}

/// Outputs along an axis of a tile with so many points; one point is an axis without a kernel.
#define OUTPUTS(points) ((points) == 1 ? 1 : (points) == 4 ? 2 : 4)

/// Where a tile's outputs begin.
typedef struct {
  size_t y, x;
} corner;

INLINE corner tile_corner(
    const size_t rows, const size_t columns, const dis_packed_convolution *c, size_t tile) {
  const size_t across = (c->window.out_width + OUTPUTS(columns) - 1) / OUTPUTS(columns);
  return (corner){tile / across * OUTPUTS(rows), tile % across * OUTPUTS(columns)};
}

/// The values of a tile's inputs at all points, `plane` floats apart.
INLINE void winograd_forward(
    const size_t rows, const size_t columns, float *v, size_t plane, const float *x,
    const dis_packed_convolution *c, size_t tile, const float *zeros) {
  const dis_window w = c->window;
  const corner at = tile_corner(rows, columns, c, tile);
  const float *pixels[8][8];
  for (size_t i = 0; i < rows; i++) {
    for (size_t j = 0; j < columns; j++) {
      pixels[i][j] = dis_pixel(
          c, x, at.y + i - w.padding_height, at.x + j - w.padding_width, zeros);
    }
  }
  for (size_t channel = 0; channel < c->inputs; channel += DIS_LANES) {
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

/// A tile's outputs from the values of the products, `plane` floats apart.
INLINE void winograd_inverse(
    const size_t rows, const size_t columns, float *out, const float *m, size_t plane,
    size_t width, const float *bias, const dis_packed_convolution *c, size_t tile) {
  const dis_window w = c->window;
  const corner at = tile_corner(rows, columns, c, tile);
  const size_t height = dis_smaller(OUTPUTS(rows), w.out_height - at.y);
  const size_t across = dis_smaller(OUTPUTS(columns), w.out_width - at.x);
  float *to = out + (at.y * w.out_width + at.x) * c->out_stride;
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
        if (i < height && j < across) {
          finish(to + (i * w.out_width + j) * c->out_stride + channel, d[i][j] + b, c);
        }
      }
    }
  }
}

/// The points of a kernel of 3 taps along one axis, as in packed.c.
INLINE void kernel_to_points(vector *to, vector w0, vector w1, vector w2) {
  const vector third = splat(8.0f / 27) * w2;
  const vector even_a = multiply_add(splat(-128.0f / 243), w0, -third);
  const vector odd_a = splat(32.0f / 81) * w1;
  const vector even_b = multiply_add(splat(32.0f / 243), w0, third);
  const vector odd_b = splat(16.0f / 81) * w1;
  to[0] = splat(64.0f / 81) * w0;
  to[1] = even_a - odd_a;
  to[2] = even_a + odd_a;
  to[3] = even_b + odd_b;
  to[4] = even_b - odd_b;
  to[5] = w2;
}

/// A panel's weights of 3 x 3 at all points: `packed` is [9, count], `u` is [36, count].
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
