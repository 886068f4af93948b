#if defined(__aarch64__)
#define DIS_FOR_NEON
#include "normalization_simd.h"
#endif
