// The vector kernel of attention in bfloat16.

#define DIS_PAIRS

#include "attention_simd.h"
#include "transformer_kernels.h"

DIS_BEGIN_KERNELS

void DIS_KERNEL(dis_attention_bfloat16)(
    float *out, const float *qkv, size_t tokens, size_t heads, size_t channels, float *scratch) {
  attend(out, qkv, tokens, heads, channels, DIS_BFLOAT16, scratch);
}

DIS_END_KERNELS
