// The vectors of one instruction set, and the operations on them.
//
// A kernel is written once, with clang's vector types, in a file whose name ends in `_simd.h`. For
// each instruction set, a small source file selects the set and includes the kernels:
//
//     #define DIS_FOR_AVX2
//     #include "packed_simd.h"
//
// Definitions in a `_simd.h` file are enclosed in DIS_BEGIN_KERNELS and DIS_END_KERNELS, between
// which the compiler may use the instructions of the set. A lane is a channel, so values are not
// summed across lanes, except for layer norm and in the softmax of attention, where it is a key.

#ifndef DIS_VECTOR_H
#define DIS_VECTOR_H

#include "dis_instructions.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// MARK: Instruction sets

// For each set, DIS_SET is its `dis_instructions`, DIS_LANES is the number of floats in a vector,
// DIS_KERNEL appends the name of the set to the name of a kernel, and DIS_TARGET is the argument of
// clang's attribute `target`, if the set needs one.

#if defined(DIS_FOR_AVX2)
#define DIS_SET DIS_AVX2
#define DIS_LANES 8
#define DIS_KERNEL(name) name##_avx2
#define DIS_TARGET "avx2,fma"

#elif defined(DIS_FOR_AVX512)
#include <immintrin.h>
#define DIS_SET DIS_AVX512
#define DIS_LANES 16
#define DIS_KERNEL(name) name##_avx512
#define DIS_TARGET "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"

#elif defined(DIS_FOR_AVX512_BFLOAT16)
#include <immintrin.h>
#define DIS_SET DIS_AVX512
#define DIS_LANES 16
#define DIS_KERNEL(name) name##_avx512
#define DIS_TARGET "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma"
/// The set multiplies pairs of bfloat16 with one instruction.
#define DIS_HAS_PAIR_PRODUCTS

#elif defined(DIS_FOR_NEON)
#define DIS_SET DIS_NEON
#define DIS_LANES 4
#define DIS_KERNEL(name) name##_neon

#else
#error "Define the instruction set before you include a kernel."
#endif

#ifdef DIS_TARGET
#define DIS_PRAGMA(...) _Pragma(#__VA_ARGS__)
#define DIS_BEGIN_WITH(target_list) \
  DIS_PRAGMA(clang attribute push(__attribute__((target(target_list))), apply_to = function))
#define DIS_BEGIN_KERNELS DIS_BEGIN_WITH(DIS_TARGET)
#define DIS_END_KERNELS _Pragma("clang attribute pop")
#else
#define DIS_BEGIN_KERNELS
#define DIS_END_KERNELS
#endif

#define INLINE static inline __attribute__((always_inline))

/// Unrolls the following loop. Loops over an array of vectors must be unrolled for the array to be
/// kept in registers.
#define UNROLL _Pragma("clang loop unroll(full)")

DIS_BEGIN_KERNELS

// MARK: Types

typedef float vector __attribute__((vector_size(DIS_LANES * 4)));
typedef int32_t integers __attribute__((vector_size(DIS_LANES * 4)));

/// The lanes of a `vector` in double precision. No function takes or returns it, because with AVX2
/// it is wider than a register.
typedef double doubles __attribute__((vector_size(DIS_LANES * 8)));

// MARK: Loads and stores

/// Returns `x` in every lane.
INLINE vector splat(float x) { return x - (vector){0}; }

/// Returns `x` in every lane.
INLINE integers splat_integer(int32_t x) { return x - (integers){0}; }

INLINE vector load(const float *from) {
  vector x;
  memcpy(&x, from, sizeof x);
  return x;
}

INLINE void store(float *to, vector x) { memcpy(to, &x, sizeof x); }

/// Returns the number of lanes used from channel `first` of `count` channels on, at most DIS_LANES.
INLINE size_t lanes_left(size_t count, size_t first) {
  return count - first < DIS_LANES ? count - first : DIS_LANES;
}

/// Loads the first `lanes` lanes and sets the others to 0. No memory beyond them is read.
INLINE vector load_first(const float *from, size_t lanes) {
  vector x = {0};
  if (lanes == DIS_LANES) {
    memcpy(&x, from, sizeof x);
  } else {
    memcpy(&x, from, lanes * sizeof(float));
  }
  return x;
}

/// Stores the first `lanes` lanes. No memory beyond them is written.
INLINE void store_first(float *to, vector x, size_t lanes) {
  if (lanes == DIS_LANES) {
    memcpy(to, &x, sizeof x);
  } else {
    memcpy(to, &x, lanes * sizeof(float));
  }
}

// MARK: Arithmetic

/// Returns a * b + c, rounded once.
INLINE vector multiply_add(vector a, vector b, vector c) {
  return __builtin_elementwise_fma(a, b, c);
}

/// Returns the smaller of two values, or the other value if one is NaN.
INLINE vector smaller(vector a, vector b) { return __builtin_elementwise_min(a, b); }

/// Returns the larger of two values, or the other value if one is NaN.
INLINE vector larger(vector a, vector b) { return __builtin_elementwise_max(a, b); }

/// Returns `yes` in the lanes where all bits of `condition` are set, and `no` where none is set.
INLINE vector choose(integers condition, vector yes, vector no) {
  return (vector)((condition & (integers)yes) | (~condition & (integers)no));
}

/// Returns max(x, 0), or NaN where `x` is NaN.
INLINE vector rectified(vector x) { return choose(x < splat(0), splat(0), x); }

DIS_END_KERNELS

#endif
