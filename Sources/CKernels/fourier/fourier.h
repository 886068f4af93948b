#ifndef DIS_FOURIER_H
#define DIS_FOURIER_H

#include <stddef.h>

/// The length of the transform.
#define DIS_FOURIER_LENGTH 20

/// The number of pixels in a line.
#define DIS_FOURIER_LINE 17

/// Computes the transform of length 20 of a kernel of 7 taps, centred, reversed and divided by 20.
/// A complex value c + di becomes the factors d - c, c + d and c of the three products in
/// fourier_simd.h.
void dis_fourier_weights(double *to, const double *kernel);

#endif
