#ifndef DIS_ATTENTION_H
#define DIS_ATTENTION_H

// The division of attention into blocks, so that what is computed together stays in a cache.

#include "../packed/tiling.h"
#include "dis_transformer.h"

#include <assert.h>
#include <stdint.h>

/// The number of queries in a block: whole tiles of 6, 8 or 12 rows, or ten of 5 and 4 rows.
#define DIS_QUERY_BLOCK 48

/// The approximate number of keys in a block.
#define DIS_KEY_BLOCK 256

/// The blocks of the attention of one head, and the parts of its scratch memory.
///
/// Keys are packed like weights, with a key in the place of an output: [block][panel of keys]
/// [words of a key][keys of the panel]. So are values, where the channels are the outputs:
/// [panel of channels][words of the tokens][channels of the panel].
typedef struct {
  size_t queries, keys;   // In a block.
  size_t words;           // Of a query or a key.
  size_t token_words;     // Of one channel of the values of all tokens.
  size_t width;           // Channels, in whole groups.
  size_t pitch;           // Floats from the scores of a query to those of the next one.
  size_t values, query_words, scores, results;  // Where these begin, after the packed keys.
  size_t scratch;         // The size of all.
} dis_attention_division;

static inline dis_attention_division dis_divide_attention(
    size_t tokens, size_t channels, enum dis_precision precision) {
  const size_t per_word = precision == DIS_BFLOAT16 ? 2 : 1;
  dis_attention_division a = {
      .queries = dis_smaller(tokens, DIS_QUERY_BLOCK),
      .keys = dis_round_up(dis_block(tokens, DIS_KEY_BLOCK), DIS_CHANNELS),
      .words = (channels + per_word - 1) / per_word,
      .token_words = (tokens + per_word - 1) / per_word,
      .width = dis_round_up(channels, DIS_CHANNELS)};
  // An additional group keeps the scores of several queries from falling into the same set of a
  // cache.
  a.pitch = a.keys + DIS_CHANNELS;
  a.values = dis_round_up(tokens, DIS_CHANNELS) * a.words;
  a.query_words = a.values + a.token_words * a.width;
  a.scores = a.query_words + dis_round_up(a.queries * a.words, DIS_CHANNELS);
  a.results = a.scores + a.queries * a.pitch;
  a.scratch = a.results + a.queries * a.width;
  return a;
}

#endif
