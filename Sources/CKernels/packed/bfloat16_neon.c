#if defined(__aarch64__)
#define DIS_FOR_NEON
#define DIS_PAIRS
#include "packed_simd.h"
#endif
