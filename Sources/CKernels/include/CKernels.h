#ifndef DIS_KERNELS_H
#define DIS_KERNELS_H

// Single-threaded numerical kernels. Arguments come in the order outputs, inputs, extents, scalars.
// No kernel allocates memory, starts a thread or keeps state.
//
// A function that takes `dis_instructions` has a kernel for each instruction set, and a plain loop
// that is the fallback on other processors and the oracle of the tests. The instructions must be
// available.
//
// Every function asserts the ranges of sizes and strides that its comment states. A count may be 0
// unless the comment says otherwise. The contents of arrays may be anything, NaN included.
#include "dis_instructions.h"
#include "dis_mamba.h"
#include "dis_convolution.h"
#include "dis_memory.h"
#include "dis_normalization.h"
#include "dis_packed.h"

#endif
