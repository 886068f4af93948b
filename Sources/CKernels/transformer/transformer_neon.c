#if defined(__aarch64__)
#define DIS_FOR_NEON
#include "transformer_simd.h"
#endif
