// Attention with several heads, as products of packed keys and of packed values.

#ifndef DIS_ATTENTION_SIMD_H
#define DIS_ATTENTION_SIMD_H

#include "../instructions/exponential_simd.h"
#include "../packed/product_simd.h"
#include "attention.h"

#include <math.h>

DIS_BEGIN_KERNELS

/// Packs the keys of all tokens, which are `stride` floats apart. Keys past the last one are 0.
static void pack_keys(
    float *packed, const float *keys, size_t stride, size_t tokens, size_t channels,
    dis_attention_division a, float *converted) {
  for (size_t first = 0; first < tokens; first += a.keys) {
    const size_t count = dis_smaller(a.keys, tokens - first);
    const size_t groups = dis_round_up(count, DIS_CHANNELS) / DIS_CHANNELS;
    for (size_t group = 0; group < groups;) {
      const size_t panel = dis_panel_groups(DIS_SET, groups - group), width = panel * DIS_CHANNELS;
      for (size_t j = 0; j < width; j++) {
        const size_t key = first + group * DIS_CHANNELS + j;
        if (key < tokens) {
          const float *words = to_words(converted, keys + key * stride, channels);
          for (size_t k = 0; k < a.words; k++) packed[k * width + j] = words[k];
        } else {
          for (size_t k = 0; k < a.words; k++) packed[k * width + j] = 0;
        }
      }
      packed += a.words * width;
      group += panel;
    }
  }
}

/// Packs the values of all tokens, which are `stride` floats apart. Channels past the last one are
/// 0.
static void pack_values(
    float *packed, const float *values, size_t stride, size_t tokens, size_t channels,
    dis_attention_division a) {
  for (size_t from = 0; from < a.width;) {
    const size_t groups = (a.width - from) / DIS_CHANNELS;
    const size_t width = dis_panel_groups(DIS_SET, groups) * DIS_CHANNELS;
    for (size_t token = 0; token < tokens; token += DIS_ROWS_PER_WORD, packed += width) {
      const float *row = values + token * stride;
      const bool has_next = token + 1 < tokens;
      for (size_t j = 0; j < width; j += DIS_LANES) {
        const size_t channel = from + j;
        const size_t lanes = channel < channels ? lanes_left(channels, channel) : 0;
        const vector next = DIS_ROWS_PER_WORD > 1 && has_next
                                ? load_first(row + stride + channel, lanes)
                                : splat(0);
        store(packed + j, joined_rows(load_first(row + channel, lanes), next));
      }
    }
    from += width;
  }
}

/// Multiplies `count` rows by all panels of a packed matrix with `groups` groups of outputs. Of its
/// `depth` rows of words, those from `first` on are used.
static void multiply_panels(
    float *out, size_t out_stride, operand rows, size_t count, const float *packed, size_t first,
    size_t depth, size_t groups, bool add) {
  for (size_t group = 0; group < groups;) {
    const size_t panel = dis_panel_groups(DIS_SET, groups - group), width = panel * DIS_CHANNELS;
    const float *weights = packed + first * width;
    packed += depth * width;
    multiply_panel(
        out + group * DIS_CHANNELS, out_stride, rows, count, weights, packed + first * width,
        panel, NULL, false, add);
    group += panel;
  }
}

/// The softmax of a query over the keys so far.
typedef struct {
  float largest;  // The largest score times the scale.
  float sum;      // The sum of the exponentials, relative to the largest.
} progress;

/// Returns the sum of all lanes.
INLINE float sum_of_lanes(vector x) {
  float lanes[DIS_LANES];
  store(lanes, x);
  UNROLL for (size_t half = DIS_LANES / 2; half > 0; half /= 2) {
    for (size_t i = 0; i < half; i++) lanes[i] += lanes[i + half];
  }
  return lanes[0];
}

/// Replaces the scores of a query for a block of keys by exp2(scale * score - largest), and returns
/// the factor that makes the exponentials of earlier blocks relative to the new largest score. The
/// group of the last key is overwritten up to its end.
///
/// The largest product is rounded, but the same number is subtracted everywhere.
INLINE float exponentials(float *scores, size_t keys, float scale, progress *softmax) {
  // Past the last key, exponentials are 2^-126, which does not change a sum of about 1 or more.
  const size_t whole = dis_round_up(keys, DIS_CHANNELS);
  for (size_t r = keys; r < whole; r++) scores[r] = -INFINITY;
  vector maxima[GROUP], sums[GROUP];
  UNROLL for (size_t i = 0; i < GROUP; i++) {
    maxima[i] = splat(-INFINITY);
    sums[i] = splat(0);
  }
  for (size_t r = 0; r < whole; r += DIS_CHANNELS) {
    UNROLL for (size_t i = 0; i < GROUP; i++) {
      const vector score = load(scores + r + i * DIS_LANES);
      maxima[i] = choose(maxima[i] < score, score, maxima[i]);
    }
  }
  UNROLL for (size_t i = 1; i < GROUP; i++) maxima[0] = larger(maxima[0], maxima[i]);
  const float block = scale * __builtin_reduce_max(maxima[0]);
  const float largest = block > softmax->largest ? block : softmax->largest;
  for (size_t r = 0; r < whole; r += DIS_CHANNELS) {
    UNROLL for (size_t i = 0; i < GROUP; i++) {
      float *at = scores + r + i * DIS_LANES;
      const vector x = multiply_add(load(at), splat(scale), splat(-largest));
      const vector weights = multiplied(exp2_or_nan(x));
      store(at, weights);
      sums[i] += weights;
    }
  }
  UNROLL for (size_t i = 1; i < GROUP; i++) sums[0] += sums[i];
  const float factor = exp2f(softmax->largest - largest);
  softmax->largest = largest;
  softmax->sum = softmax->sum * factor + sum_of_lanes(sums[0]);
  return factor;
}

static void attend(
    float *out, const float *qkv, size_t tokens, size_t heads, size_t channels,
    enum dis_precision precision, float *scratch) {
  if (tokens == 0) return;
  const dis_attention_division a = dis_divide_attention(tokens, channels, precision);
  const size_t row = heads * channels, stride = 3 * row;
  const float scale = (float)(1.4426950408889634 / sqrt((double)channels));
  float *keys = scratch, *values = scratch + a.values, *queries = scratch + a.query_words;
  float *scores = scratch + a.scores, *results = scratch + a.results;
  // As for every operand, the rows are followed by copies of the last one.
  const float *query_rows[DIS_QUERY_BLOCK + DIS_TILE_ROWS];
  const float *score_rows[DIS_QUERY_BLOCK + DIS_TILE_ROWS];
  progress softmax[DIS_QUERY_BLOCK];

  for (size_t head = 0; head < heads; head++) {
    const float *q = qkv + head * channels;
    pack_keys(keys, q + row, stride, tokens, channels, a, queries);
    pack_values(values, q + 2 * row, stride, tokens, channels, a);
    for (size_t first = 0; first < tokens; first += a.queries) {
      const size_t count = dis_smaller(a.queries, tokens - first);
      for (size_t i = 0; i < count + DIS_TILE_ROWS; i++) {
        const size_t query = dis_smaller(i, count - 1);
        if (i == query) {
          query_rows[i] = to_words(queries + i * a.words, q + (first + i) * stride, channels);
        } else {
          query_rows[i] = query_rows[query];
        }
        score_rows[i] = scores + query * a.pitch;
      }
      for (size_t i = 0; i < count; i++) softmax[i] = (progress){-INFINITY, 0};
      memset(results, 0, count * a.width * sizeof *results);
      for (size_t key = 0; key < tokens; key += a.keys) {
        const size_t block = dis_smaller(a.keys, tokens - key);
        multiply_panels(
            scores, a.pitch, (operand){query_rows, 0, 1, a.words, 0, false}, count,
            keys + key * a.words, 0, a.words, dis_round_up(block, DIS_CHANNELS) / DIS_CHANNELS,
            false);
        for (size_t i = 0; i < count; i++) {
          float *weights = scores + i * a.pitch;
          const float factor = exponentials(weights, block, scale, &softmax[i]);
          to_words(weights, weights, block);
          if (key == 0) continue;
          for (size_t c = 0; c < a.width; c += DIS_LANES) {
            float *result = results + i * a.width + c;
            store(result, load(result) * splat(factor));
          }
        }
        const size_t depth = (block + DIS_ROWS_PER_WORD - 1) / DIS_ROWS_PER_WORD;
        multiply_panels(
            results, a.width, (operand){score_rows, 0, 1, depth, 0, false}, count, values,
            key / DIS_ROWS_PER_WORD, a.token_words, a.width / DIS_CHANNELS, true);
      }
      for (size_t i = 0; i < count; i++) {
        const vector factor = splat(1 / softmax[i].sum);
        float *to = out + (first + i) * row + head * channels;
        for (size_t c = 0; c < channels; c += DIS_LANES) {
          store_first(
              to + c, load(results + i * a.width + c) * factor, lanes_left(channels, c));
        }
      }
    }
  }
}

DIS_END_KERNELS

#endif
