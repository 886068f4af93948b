// The vector kernels of norms.

#include "group_norm_simd.h"
#include "layer_norm_simd.h"
