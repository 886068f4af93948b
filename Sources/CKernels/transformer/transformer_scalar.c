// The plain loops of transformers: the fallback on other processors, and the oracle of the tests.

#include "../packed/bfloat16.h"
#include "transformer_kernels.h"

#include <math.h>
#include <stdbool.h>

static float rounded_if(bool rounds, float x) {
  return rounds ? dis_widened(dis_bfloat16(x)) : x;
}

/// Adds one key after the other. Results so far are relative to the largest score so far.
static void attend(
    float *out, const float *qkv, size_t tokens, size_t heads, size_t channels, bool rounds) {
  const size_t row = heads * channels;
  const float scale = (float)(1 / sqrt((double)channels));
  for (size_t token = 0; token < tokens; token++) {
    for (size_t head = 0; head < heads; head++) {
      const float *q = qkv + token * 3 * row + head * channels;
      float *y = out + token * row + head * channels;
      for (size_t c = 0; c < channels; c++) y[c] = 0;
      float largest = -INFINITY, sum = 0;
      for (size_t r = 0; r < tokens; r++) {
        const float *k = qkv + (3 * r + 1) * row + head * channels, *v = k + row;
        float score = 0;
        for (size_t c = 0; c < channels; c++) {
          score += rounded_if(rounds, q[c]) * rounded_if(rounds, k[c]);
        }
        if (score > largest) {
          const float factor = expf(scale * (largest - score));
          sum *= factor;
          for (size_t c = 0; c < channels; c++) y[c] *= factor;
          largest = score;
        }
        const float weight = rounded_if(rounds, expf(scale * (score - largest)));
        sum += weight;
        for (size_t c = 0; c < channels; c++) y[c] += weight * rounded_if(rounds, v[c]);
      }
      for (size_t c = 0; c < channels; c++) y[c] /= sum;
    }
  }
}

void dis_attention_scalar(
    float *out, const float *qkv, size_t tokens, size_t heads, size_t channels, float *scratch) {
  (void)scratch;
  attend(out, qkv, tokens, heads, channels, false);
}

void dis_attention_bfloat16_scalar(
    float *out, const float *qkv, size_t tokens, size_t heads, size_t channels, float *scratch) {
  (void)scratch;
  attend(out, qkv, tokens, heads, channels, true);
}

void dis_gelu_tanh_scalar(float *x, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const double value = x[i], z = 0.7978845608028654 * (value + 0.044715 * value * value * value);
    x[i] = (float)(value / 2 * (1 + tanh(z)));
  }
}

void dis_gelu_erf_scalar(float *x, size_t count) {
  for (size_t i = 0; i < count; i++) {
    x[i] = (float)((double)x[i] / 2 * (1 + erf(x[i] * 0.7071067811865476)));
  }
}
