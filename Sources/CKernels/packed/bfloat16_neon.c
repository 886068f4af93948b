#if defined(__aarch64__)
#define DIS_PAIRS
#define DIS_LANES 4
#define DIS_SET DIS_NEON
#define DIS_KERNEL(name) name##_neon
#include "packed_simd.h"
#endif
