// Products of floats: a word of a product's rows is a float.

#include "../instructions/vector.h"

DIS_BEGIN_KERNELS

INLINE vector broadcast(const float *word) { return splat(*word); }

INLINE vector add_product(vector sum, vector x, vector w) { return multiply_add(x, w, sum); }

/// The row itself.
INLINE const float *to_words(float *to, const float *row, size_t count) {
  (void)to, (void)count;
  return row;
}

DIS_END_KERNELS
