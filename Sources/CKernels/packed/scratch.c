#include "ranges.h"
#include "tiling.h"

size_t dis_packed_scratch(
    enum dis_instructions instructions, const dis_packed_convolution *c) {
  assert(dis_convolution_is_valid(c));
  const dis_window w = c->window;
  const size_t taps = w.kernel_height * w.kernel_width;
  if (instructions == DIS_SCALAR) return 0;
  if (c->method != DIS_DIRECT) {
    const dis_tiling t = dis_tile(c);
    assert(t.block <= DIS_TILE_LIMIT);
    return t.depth + t.values * (t.v_plane + t.m_plane) + t.weights;
  }
  const size_t block = dis_block(w.out_height * w.out_width, DIS_DIRECT_BLOCK);
  const size_t table = taps * (block + DIS_TILE_ROWS) * sizeof(float *) / sizeof(float);
  const size_t converted =
      c->precision == DIS_BFLOAT16 ? taps * block * dis_words(c, c->inputs) : 0;
  return dis_round_up(c->inputs * w.kernel_width, 16) + table + converted;
}
