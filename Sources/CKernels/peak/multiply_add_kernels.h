#ifndef DIS_MULTIPLY_ADD_KERNELS_H
#define DIS_MULTIPLY_ADD_KERNELS_H

#include "../instructions/dispatch.h"
#include "dis_packed.h"

/// Sums that a round of `dis_multiply_add` adds to: more than any processor's units times latency.
#define DIS_INDEPENDENT_SUMS 12

typedef float dis_multiply_add_kernel(size_t count);

DIS_DECLARE_KERNELS(dis_multiply_add);

#endif
