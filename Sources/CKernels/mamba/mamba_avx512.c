#if defined(__x86_64__)
#pragma clang attribute push(                                                        \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))), \
    apply_to = function)
#define DIS_LANES 16
#define DIS_KERNEL(name) name##_avx512
#include "mamba_simd.h"
#pragma clang attribute pop
#endif
