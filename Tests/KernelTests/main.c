#include "kernel_tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

// MARK: The choice of instruction set

/// The status of a process of its own that chooses under this wish.
static int choice(const char *wish) {
  fflush(NULL);
  const pid_t child = fork();
  if (child == 0) {
    if (wish == NULL) unsetenv("DIS_EVAL_KERNELS");
    if (wish != NULL) setenv("DIS_EVAL_KERNELS", wish, 1);
    _exit((int)dis_instructions_in_use());
  }
  int status = -1;
  if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

static void test_choice(enum dis_instructions none, outcome *found) {
  (void)none;
  int best = DIS_SCALAR;
  for (int set = 0; set < DIS_INSTRUCTION_SETS; set++) {
    const enum dis_instructions instructions = (enum dis_instructions)set;
    if (!dis_instructions_available(instructions)) continue;
    best = set;
    expect(
        found, choice(dis_instructions_name(instructions)) == set,
        "DIS_EVAL_KERNELS is not obeyed");
  }
  expect(found, choice(NULL) == best, "the best is not the default");
  expect(found, choice("none") == best, "the best is not taken instead of one that is not there");
  expect(
      found, !dis_instructions_available((enum dis_instructions)DIS_INSTRUCTION_SETS),
      "there is one more");
}

const test instruction_tests[] = {{"dis_instructions_in_use", ONCE, test_choice}, {0}};

// MARK: The count

static size_t passed, failed, not_run;

static void run(const test *test, enum dis_instructions instructions, const char *set) {
  outcome found = {0};
  seed(1);
  test->run(instructions, &found);
  release(&found);
  if (found.checks == 0) found.wrong = "nothing was checked";
  printf(
      "%s  %-8s %-36s %4zu checks, worst error %.2f of its bound%s%s\n",
      found.wrong == NULL ? "ok  " : "FAIL", set, test->name, found.checks, found.worst,
      found.wrong == NULL ? "" : ": ", found.wrong == NULL ? "" : found.wrong);
  *(found.wrong == NULL ? &passed : &failed) += 1;
}

int main(void) {
  const test *const suites[] = {
      instruction_tests, mamba_tests, normalization_tests, convolution_tests, packed_tests,
      transformer_tests, range_tests};
  const size_t count = sizeof suites / sizeof *suites;
  for (size_t suite = 0; suite < count; suite++) {
    for (const test *test = suites[suite]; test->name != NULL; test++) {
      if (test->on == ONCE) run(test, DIS_SCALAR, "any");
    }
  }
  for (int set = 0; set < DIS_INSTRUCTION_SETS; set++) {
    const enum dis_instructions instructions = (enum dis_instructions)set;
    const char *name = dis_instructions_name(instructions);
    size_t left_out = 0;
    for (size_t suite = 0; suite < count; suite++) {
      for (const test *test = suites[suite]; test->name != NULL; test++) {
        if (test->on == ONCE || (test->on == VECTORS && instructions == DIS_SCALAR)) continue;
        if (dis_instructions_available(instructions)) {
          run(test, instructions, name);
        } else {
          left_out++;
        }
      }
    }
    if (left_out > 0) {
      printf("NOT RUN  %s: this processor lacks it, %zu tests\n", name, left_out);
      not_run += left_out;
    }
  }
  printf("%zu passed, %zu failed, %zu not run\n", passed, failed, not_run);
  return failed > 0;
}
