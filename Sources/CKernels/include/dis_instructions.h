#ifndef DIS_INSTRUCTIONS_H
#define DIS_INSTRUCTIONS_H

/// The instruction sets that kernels are written for. Of two that a processor has, the later is the
/// better.
enum dis_instructions { DIS_SCALAR = 0, DIS_AVX2 = 1, DIS_AVX512 = 2, DIS_NEON = 3 };

/// The number of instruction sets.
#define DIS_INSTRUCTION_SETS 4

/// The name of an instruction set: `scalar`, `avx2`, `avx512` or `neon`.
const char *dis_instructions_name(enum dis_instructions instructions);

/// Whether this processor has `instructions`, and this library has kernels for them.
int dis_instructions_available(enum dis_instructions instructions);

/// The instruction set in use: the one that the environment variable DIS_EVAL_KERNELS names, or the
/// best one that is available if the variable is unset or names none that is. Chosen at the first
/// call.
enum dis_instructions dis_instructions_in_use(void);

#endif
