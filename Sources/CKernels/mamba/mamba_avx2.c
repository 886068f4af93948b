#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define DIS_LANES 8
#define DIS_KERNEL(name) name##_avx2
#include "mamba_simd.h"
#pragma clang attribute pop
#endif
