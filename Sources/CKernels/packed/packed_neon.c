#if defined(__aarch64__)
#define DIS_FOR_NEON
#include "packed_simd.h"
#endif
