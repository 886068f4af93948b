#ifndef DIS_KERNELS_H
#define DIS_KERNELS_H

// Single-threaded numerical kernels. Arguments are in the order outputs, inputs, extents, scalars.
// No kernel allocates memory, starts a thread or keeps state.
//
// A function with an argument `dis_instructions` has a kernel for each instruction set, and a plain
// loop that serves as the fallback on other processors and as the oracle of the tests. The
// instruction set must be available.
//
// Every function asserts the ranges of sizes and strides stated in its comment. A count may be 0
// unless the comment says otherwise. Arrays may contain anything, including NaN.
#include "dis_instructions.h"
#include "dis_mamba.h"
#include "dis_convolution.h"
#include "dis_memory.h"
#include "dis_normalization.h"
#include "dis_packed.h"
#include "dis_transformer.h"

#endif
