// Products of floats. A word is a float.

#include "../instructions/vector.h"

DIS_BEGIN_KERNELS

/// Returns a word in every lane.
INLINE vector broadcast(const float *word) { return splat(*word); }

/// Returns sum + x * w.
INLINE vector add_product(vector sum, vector x, vector w) { return multiply_add(x, w, sum); }

/// Returns the values that are multiplied in place of `x`, which are the same.
INLINE vector multiplied(vector x) { return x; }

/// The number of rows of packed values that share a row of words.
#define DIS_ROWS_PER_WORD 1

/// Returns the words of `DIS_ROWS_PER_WORD` rows.
INLINE vector joined_rows(vector first, vector second) {
  (void)second;
  return first;
}

/// Returns the words of a row of floats, which are the row itself.
INLINE const float *to_words(float *to, const float *row, size_t count) {
  (void)to, (void)count;
  return row;
}

DIS_END_KERNELS
