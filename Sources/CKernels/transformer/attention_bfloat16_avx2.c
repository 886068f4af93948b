#if defined(__x86_64__)
#define DIS_FOR_AVX2
#include "attention_bfloat16_simd.h"
#endif
