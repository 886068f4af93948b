#if defined(__aarch64__)
#define DIS_FOR_NEON
#include "mamba_simd.h"
#endif
