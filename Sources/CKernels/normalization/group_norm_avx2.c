#if defined(__x86_64__)
#define DIS_FOR_AVX2
#include "group_norm_simd.h"
#endif
