#ifndef DIS_MULTIPLY_ADD_KERNELS_H
#define DIS_MULTIPLY_ADD_KERNELS_H

#include "../instructions/dispatch.h"
#include "dis_packed.h"

/// The number of sums that a round of `dis_multiply_add` adds to, which exceeds the number of
/// multiply-adds that any processor executes at a time.
#define DIS_INDEPENDENT_SUMS 12

typedef float dis_multiply_add_kernel(size_t count);

DIS_DECLARE_KERNELS(dis_multiply_add);

#endif
