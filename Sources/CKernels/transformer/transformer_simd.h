// The vector kernels of transformers in floats.

#include "attention_simd.h"
#include "gelu_simd.h"

DIS_BEGIN_KERNELS

void DIS_KERNEL(dis_attention)(
    float *out, const float *qkv, size_t tokens, size_t heads, size_t channels, float *scratch) {
  attend(out, qkv, tokens, heads, channels, DIS_FLOAT32, scratch);
}

DIS_END_KERNELS
