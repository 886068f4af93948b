#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(                                                                     \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma"))), \
    apply_to = function)
#define DIS_HAS_PAIR_PRODUCTS
#define DIS_PAIRS
#define DIS_LANES 16
#define DIS_SET DIS_AVX512
#define DIS_KERNEL(name) name##_avx512
#include "packed_simd.h"
#pragma clang attribute pop
#endif
