#ifndef DIS_FOURIER_H
#define DIS_FOURIER_H

#include <stddef.h>

/// The length of the transform.
#define DIS_FOURIER_LENGTH 20

/// Pixels of a line.
#define DIS_FOURIER_LINE 17

/// The transform of length 20 of a kernel of 7 taps, centred and reversed, over 20. For the three
/// products of a complex value c + di: d - c, c + d and c; see fourier_simd.h.
void dis_fourier_weights(double *to, const double *kernel);

#endif
