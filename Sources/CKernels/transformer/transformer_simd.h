// The vector kernels of transformers.

#include "gelu_simd.h"
