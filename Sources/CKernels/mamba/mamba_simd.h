// The vector kernels of Mamba.

#include "causal_convolution_simd.h"
#include "selective_scan_simd.h"
#include "silu_simd.h"
