#ifndef KERNEL_TESTS_H
#define KERNEL_TESTS_H

// Tests of the kernels without Swift, for processors that the rest is not built for. Every kernel is
// compared with its definition in double, on every instruction set that the processor has.

#include "CKernels.h"

/// What the test of one function on one instruction set has found so far.
typedef struct {
  size_t checks;
  double worst;       // The largest error, over its bound.
  const char *wrong;  // What was not as it should be, or null.
} outcome;

/// The test of one function.
typedef struct {
  const char *name;
  enum { ONCE, EVERY_SET, VECTORS } on;  // Of instruction sets: none; all; all but the scalar one.
  void (*run)(enum dis_instructions instructions, outcome *found);
} test;

extern const test instruction_tests[], mamba_tests[], normalization_tests[], convolution_tests[],
    packed_tests[], transformer_tests[], range_tests[];  // The last one's name is null.

// MARK: Data - of the test that runs; all of it goes with `release`

/// Begins the sequence of random numbers again.
void seed(unsigned long long value);

/// A whole number in [0, limit).
size_t random_below(size_t limit);

/// `count` random floats in [-scale, scale), on a boundary of 64 bytes, with nothing behind them.
float *random_floats(size_t count, float scale);

/// `count` floats to write to on a boundary of 64 bytes, each of them untouched, between fences.
float *output(size_t count);

/// `count` doubles for what is expected.
double *expectations(size_t count);

/// Frees all data. Something written over a fence is wrong.
void release(outcome *found);

// MARK: Checks

/// `got` is as expected up to `bound` times the root mean square of what is expected; NaN where
/// that is.
void expect_close(outcome *found, const float *got, const double *expected, size_t count, double bound);

/// Each value is as expected up to `bound` times itself.
void expect_each(outcome *found, const float *got, const double *expected, size_t count, double bound);

/// Each value is as expected up to `bound`.
void expect_within(
    outcome *found, const float *got, const double *expected, size_t count, double bound);

/// The values of an `output` are still untouched.
void expect_untouched(outcome *found, const float *values, size_t count);

void expect(outcome *found, bool condition, const char *otherwise);

#endif
