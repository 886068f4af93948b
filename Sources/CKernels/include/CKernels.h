#ifndef DIS_KERNELS_H
#define DIS_KERNELS_H

// Single-threaded numerical kernels. Output first, then inputs, then extents, then scalars.
// No allocation, no globals, no threads. Every fast kernel has a scalar twin (`…_scalar`): the
// fallback on other processors, and the oracle of the tests.
#include "dis_instructions.h"
#include "dis_mamba.h"
#include "dis_convolution.h"
#include "dis_memory.h"
#include "dis_normalization.h"
#include "dis_packed.h"

#endif
