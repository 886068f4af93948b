#ifndef DIS_TRANSFORMER_H
#define DIS_TRANSFORMER_H
#include <stddef.h>

#include "dis_instructions.h"

/// Computes x[i] = x[i] / 2 * (1 + tanh(sqrt(2 / pi) * (x[i] + 0.044715 * x[i]^3))) for `count`
/// values. The error is at most 3e-7 * max(|x|, 1). Reference: Hendrycks & Gimpel, arXiv
/// 1606.08415, section 2.
void dis_gelu_tanh(enum dis_instructions instructions, float *x, size_t count);

/// Computes x[i] = x[i] / 2 * (1 + erf(x[i] / sqrt(2))) for `count` values. The error is at most
/// 3e-7 * max(|x|, 1).
void dis_gelu_erf(enum dis_instructions instructions, float *x, size_t count);

#endif
