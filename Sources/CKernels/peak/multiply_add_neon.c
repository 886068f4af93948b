#if defined(__aarch64__)
#define DIS_FOR_NEON
#include "multiply_add_simd.h"
#endif
