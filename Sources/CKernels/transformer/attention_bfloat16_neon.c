#if defined(__aarch64__)
#define DIS_FOR_NEON
#include "attention_bfloat16_simd.h"
#endif
