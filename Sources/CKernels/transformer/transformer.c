#include "attention.h"
#include "transformer_kernels.h"

void dis_attention(
    enum dis_instructions instructions, float *out, const float *qkv, size_t tokens, size_t heads,
    size_t channels, enum dis_precision precision, float *scratch) {
  assert(heads >= 1 && channels >= 1);
  assert(precision == DIS_FLOAT32 || dis_bfloat16_instructions(instructions) == instructions);
  assert(instructions == DIS_SCALAR || (uintptr_t)scratch % 64 == 0);
  if (precision == DIS_BFLOAT16) {
    DIS_DISPATCH(dis_attention_bfloat16, out, qkv, tokens, heads, channels, scratch)
  } else {
    DIS_DISPATCH(dis_attention, out, qkv, tokens, heads, channels, scratch)
  }
}

size_t dis_attention_scratch(
    enum dis_instructions instructions, size_t tokens, size_t channels,
    enum dis_precision precision) {
  assert(channels >= 1);
  if (instructions == DIS_SCALAR || tokens == 0) return 0;
  return dis_divide_attention(tokens, channels, precision).scratch;
}

void dis_gelu_tanh(enum dis_instructions instructions, float *x, size_t count) {
  DIS_DISPATCH(dis_gelu_tanh, x, count)
}

void dis_gelu_erf(enum dis_instructions instructions, float *x, size_t count) {
  DIS_DISPATCH(dis_gelu_erf, x, count)
}
