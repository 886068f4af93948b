#ifndef DIS_INSTRUCTIONS_H
#define DIS_INSTRUCTIONS_H

/// The instruction sets that have kernels. If a processor supports two of them, the later one is
/// preferred.
enum dis_instructions { DIS_SCALAR = 0, DIS_AVX2 = 1, DIS_AVX512 = 2, DIS_NEON = 3 };

/// The number of instruction sets.
#define DIS_INSTRUCTION_SETS 4

/// Returns the name of an instruction set: `scalar`, `avx2`, `avx512` or `neon`.
const char *dis_instructions_name(enum dis_instructions instructions);

/// Returns whether this processor supports `instructions` and this library has kernels for them.
int dis_instructions_available(enum dis_instructions instructions);

/// Returns the instruction set in use: the one named by the environment variable DIS_EVAL_KERNELS
/// or, if the variable is unset or does not name an available one, the best available one. It is
/// chosen at the first call.
enum dis_instructions dis_instructions_in_use(void);

#endif
