#if defined(__x86_64__)
#define DIS_FOR_AVX512_BFLOAT16
#define DIS_PAIRS
#include "packed_simd.h"
#endif
