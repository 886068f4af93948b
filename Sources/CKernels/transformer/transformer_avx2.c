#if defined(__x86_64__)
#define DIS_FOR_AVX2
#include "transformer_simd.h"
#endif
