#if defined(__x86_64__)
#define DIS_FOR_AVX512
#include "transformer_simd.h"
#endif
