#ifndef DIS_DISPATCH_H
#define DIS_DISPATCH_H

#include "dis_instructions.h"

// Which vector kernels this build has besides the scalar ones, and the way to them.

#if defined(__x86_64__)

/// Applies `declare` to the suffix of each instruction set.
#define DIS_FOR_EACH_SET(declare) declare(avx2) declare(avx512)

#define DIS_VECTOR_CASES(name, ...)                    \
  case DIS_AVX2: name##_avx2(__VA_ARGS__); return;     \
  case DIS_AVX512: name##_avx512(__VA_ARGS__); return;

#elif defined(__aarch64__)

#define DIS_FOR_EACH_SET(declare) declare(neon)

#define DIS_VECTOR_CASES(name, ...) \
  case DIS_NEON: name##_neon(__VA_ARGS__); return;

#else

#define DIS_FOR_EACH_SET(declare)
#define DIS_VECTOR_CASES(name, ...)

#endif

/// Calls the kernel for `instructions` and returns. Others than this build has are a mistake of the
/// caller, who has not asked `dis_instructions_available`.
#define DIS_DISPATCH(name, ...)                        \
  switch (instructions) {                              \
    DIS_VECTOR_CASES(name, __VA_ARGS__)                \
    case DIS_SCALAR: name##_scalar(__VA_ARGS__); return; \
    default: __builtin_trap();                         \
  }

#endif
