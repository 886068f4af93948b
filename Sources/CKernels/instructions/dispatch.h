#ifndef DIS_DISPATCH_H
#define DIS_DISPATCH_H

#include "dis_instructions.h"

// Which vector kernels this build has besides the scalar ones, and the way to them.

#if defined(__x86_64__)

/// Applies `declare` to the suffix of each instruction set.
#define DIS_FOR_EACH_SET(declare) declare(avx2) declare(avx512)

#define DIS_VECTOR_CASES(name, ...)                \
  case DIS_AVX2: return name##_avx2(__VA_ARGS__);  \
  case DIS_AVX512: return name##_avx512(__VA_ARGS__);

#elif defined(__aarch64__)

#define DIS_FOR_EACH_SET(declare) declare(neon)

#define DIS_VECTOR_CASES(name, ...) \
  case DIS_NEON: return name##_neon(__VA_ARGS__);

#else

#define DIS_FOR_EACH_SET(declare)
#define DIS_VECTOR_CASES(name, ...)

#endif

/// Returns what the kernel for `instructions` returns. Others than this build has are a mistake of
/// the caller, who has not asked `dis_instructions_available`.
#define DIS_DISPATCH(name, ...)                       \
  switch (instructions) {                             \
    DIS_VECTOR_CASES(name, __VA_ARGS__)               \
    case DIS_SCALAR: return name##_scalar(__VA_ARGS__); \
    default: __builtin_trap();                        \
  }

#endif
