#ifndef DIS_DISPATCH_H
#define DIS_DISPATCH_H

#include "dis_instructions.h"

#include <assert.h>

// A function of this library that has a kernel for each instruction set calls it with DIS_DISPATCH.
// The kernels are named after the function: `dis_silu` calls `dis_silu_scalar`, `dis_silu_avx2` and
// so on, all of which have the type `dis_silu_kernel`.

#if defined(__x86_64__)

/// Declares the kernels of the function `name`, of type `name_kernel`.
#define DIS_DECLARE_KERNELS(name) name##_kernel name##_scalar, name##_avx2, name##_avx512

#define DIS_VECTOR_CASES(name, ...)                \
  case DIS_AVX2: return name##_avx2(__VA_ARGS__);  \
  case DIS_AVX512: return name##_avx512(__VA_ARGS__);

#elif defined(__aarch64__)

#define DIS_DECLARE_KERNELS(name) name##_kernel name##_scalar, name##_neon

#define DIS_VECTOR_CASES(name, ...) \
  case DIS_NEON: return name##_neon(__VA_ARGS__);

#else

#define DIS_DECLARE_KERNELS(name) name##_kernel name##_scalar

#define DIS_VECTOR_CASES(name, ...)

#endif

/// Returns the result of the kernel of `name` for `instructions`, which must be available.
#define DIS_DISPATCH(name, ...)                         \
  assert(dis_instructions_available(instructions));     \
  switch (instructions) {                               \
    DIS_VECTOR_CASES(name, __VA_ARGS__)                 \
    case DIS_SCALAR: return name##_scalar(__VA_ARGS__); \
    default: __builtin_trap();                          \
  }

#endif
