#ifndef DIS_INSTRUCTIONS_H
#define DIS_INSTRUCTIONS_H

/// The instruction sets that kernels are written for; of those that a processor has, best last.
enum dis_instructions { DIS_SCALAR = 0, DIS_AVX2 = 1, DIS_AVX512 = 2, DIS_NEON = 3 };

/// How many there are.
#define DIS_INSTRUCTION_SETS 4

/// What an instruction set is called: `scalar`, `avx2`, `avx512`, `neon`.
const char *dis_instructions_name(enum dis_instructions instructions);

/// Whether this processor has `instructions`, and this library kernels for them.
int dis_instructions_available(enum dis_instructions instructions);

/// The instruction set in use: the one named by the environment variable DIS_EVAL_KERNELS, or the
/// best one available when it is unset or names none that is. Decided at the first call.
enum dis_instructions dis_instructions_in_use(void);

#endif
