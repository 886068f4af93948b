#include "dis_normalization.h"

#include <assert.h>
#include <math.h>

void dis_softmax(float *x, size_t rows, size_t columns, float scale) {
  assert(columns >= 1 && scale > 0);
  for (size_t r = 0; r < rows; r++, x += columns) {
    float largest = -INFINITY;
    for (size_t c = 0; c < columns; c++) largest = x[c] > largest ? x[c] : largest;
    double total = 0;
    for (size_t c = 0; c < columns; c++) {
      x[c] = expf(scale * (x[c] - largest));
      total += x[c];
    }
    const float factor = (float)(1 / total);
    for (size_t c = 0; c < columns; c++) x[c] *= factor;
  }
}
