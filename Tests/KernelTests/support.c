#include "kernel_tests.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// MARK: Random numbers - SplitMix64 (Steele, Lea & Flood, OOPSLA 2014)

static uint64_t state;

void seed(unsigned long long value) { state = value; }

static uint64_t next_random(void) {
  uint64_t z = state += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

size_t random_below(size_t limit) { return next_random() % limit; }

// MARK: Data

/// Floats before and after an output: more than the rows of a tile, and a multiple of 64 bytes.
#define FENCE 4096

/// What untouched floats hold: a NaN that no arithmetic makes.
static const uint32_t untouched = 0x7fc5afe5;

/// Everything that was allocated: where, and the floats between the fences if it has any.
static struct {
  void *memory;
  size_t fenced;
} data[1024];
static size_t data_count;

static void *allocate(size_t bytes, size_t fenced) {
  void *memory = NULL;
  if (data_count == sizeof data / sizeof *data || posix_memalign(&memory, 64, bytes) != 0) {
    fputs("kernel-tests: out of memory\n", stderr);
    exit(71);
  }
  data[data_count].memory = memory;
  data[data_count++].fenced = fenced;
  return memory;
}

float *random_floats(size_t count, float scale) {
  float *values = allocate(count * sizeof *values, 0);
  for (size_t i = 0; i < count; i++) {
    values[i] = scale * ((float)(next_random() >> 40) * 0x1p-23f - 1);
  }
  return values;
}

float *output(size_t count) {
  float *memory = allocate((count + 2 * FENCE) * sizeof *memory, count);
  for (size_t i = 0; i < count + 2 * FENCE; i++) memcpy(memory + i, &untouched, sizeof untouched);
  return memory + FENCE;
}

double *expectations(size_t count) { return allocate(count * sizeof(double), 0); }

static bool is_untouched(const float *values, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (memcmp(values + i, &untouched, sizeof untouched) != 0) return false;
  }
  return true;
}

void release(outcome *found) {
  while (data_count > 0) {
    const float *memory = data[--data_count].memory;
    const size_t count = data[data_count].fenced;
    if (count > 0) {
      expect(
          found, is_untouched(memory, FENCE) && is_untouched(memory + FENCE + count, FENCE),
          "written outside the output");
    }
    free(data[data_count].memory);
  }
}

// MARK: Checks

void expect(outcome *found, bool condition, const char *otherwise) {
  found->checks++;
  if (!condition && found->wrong == NULL) found->wrong = otherwise;
}

void expect_untouched(outcome *found, const float *values, size_t count) {
  expect(found, is_untouched(values, count), "written between the rows of the output");
}

/// Notes an error. NaN is larger than any bound, and stays the worst.
static void expect_error(outcome *found, double error, double bound) {
  const double ratio = error / bound;
  if (!isnan(found->worst) && !(ratio <= found->worst)) found->worst = ratio;
  expect(found, ratio <= 1, "the error is too large");
}

void expect_close(
    outcome *found, const float *got, const double *expected, size_t count, double bound) {
  double differences = 0, squares = 0;
  for (size_t i = 0; i < count; i++) {
    if (isnan(expected[i]) && isnan(got[i])) continue;
    differences += (got[i] - expected[i]) * (got[i] - expected[i]);
    squares += expected[i] * expected[i];
  }
  expect_error(found, sqrt(differences), bound * sqrt(squares) + 1e-30);
}

void expect_each(
    outcome *found, const float *got, const double *expected, size_t count, double bound) {
  for (size_t i = 0; i < count; i++) {
    expect_error(found, fabs(got[i] - expected[i]), bound * fabs(expected[i]) + 1e-30);
  }
}

void expect_within(
    outcome *found, const float *got, const double *expected, size_t count, double bound) {
  for (size_t i = 0; i < count; i++) expect_error(found, fabs(got[i] - expected[i]), bound);
}
