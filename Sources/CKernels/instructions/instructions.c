#include "dis_instructions.h"

#include <stdlib.h>
#include <string.h>

const char *dis_instructions_name(enum dis_instructions instructions) {
  switch (instructions) {
    case DIS_SCALAR: return "scalar";
    case DIS_AVX2: return "avx2";
    case DIS_AVX512: return "avx512";
    case DIS_NEON: return "neon";
  }
  return "unknown";
}

int dis_instructions_available(enum dis_instructions instructions) {
  switch (instructions) {
    case DIS_SCALAR: return 1;
#if defined(__x86_64__)
    case DIS_AVX2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case DIS_AVX512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
#elif defined(__aarch64__)
    case DIS_NEON: return 1;  // Every 64-bit ARM processor supports it.
#endif
    default: return 0;
  }
}

static enum dis_instructions choose(void) {
  const char *wish = getenv("DIS_EVAL_KERNELS");
  enum dis_instructions best = DIS_SCALAR;
  for (int i = 0; i < DIS_INSTRUCTION_SETS; i++) {
    const enum dis_instructions set = (enum dis_instructions)i;
    if (!dis_instructions_available(set)) continue;
    if (wish != NULL && strcmp(wish, dis_instructions_name(set)) == 0) return set;
    best = set;
  }
  return best;
}

enum dis_instructions dis_instructions_in_use(void) {
  // Every thread makes the same choice, so in a race the same value is written twice.
  static _Atomic int chosen = -1;
  if (chosen < 0) chosen = (int)choose();
  return (enum dis_instructions)chosen;
}
