#if defined(__aarch64__)
#define DIS_LANES 4
#define DIS_KERNEL(name) name##_neon
#include "mamba_simd.h"
#endif
