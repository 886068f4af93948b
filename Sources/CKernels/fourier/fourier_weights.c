#include "fourier.h"

void dis_fourier_weights(double *to, const double *kernel) {
  const double c1 = 0.95105651629515357212, c2 = 0.80901699437494742410;
  const double c3 = 0.58778525229247312917, c4 = 0.30901699437494742410;
  const double cosines[20] = {1,  c1,  c2,  c3,  c4,  0, -c4, -c3, -c2, -c1,
                              -1, -c1, -c2, -c3, -c4, 0, c4,  c3,  c2,  c1};
  for (size_t k = 0; k <= 10; k++) {
    double c = 0, d = 0;
    for (int tap = 0; tap < 7; tap++) {
      const size_t angle = k * (size_t)(23 - tap) % 20;
      c += kernel[tap] * cosines[angle];
      d -= kernel[tap] * cosines[(angle + 15) % 20];  // The sine.
    }
    if (k % 10 == 0) {
      to[k / 10] = c / 20;
    } else {
      double *bin = to + 3 * k - 1;  // For the value and its conjugate.
      bin[0] = (d - c) / 10;
      bin[1] = (c + d) / 10;
      bin[2] = c / 10;
    }
  }
}
