#if defined(__aarch64__)
#define DIS_FOR_NEON
#include "group_norm_simd.h"
#endif
