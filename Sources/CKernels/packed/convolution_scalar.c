// The plain loops of packed convolutions: the fallback on other processors, and the oracle of the
// tests.

#include "bfloat16.h"
#include "layout.h"
#include "packed_kernels.h"

#include <string.h>

/// Stores a group of outputs: rectified with `relu`, added to `to` with `add`.
static void finish_group(float *to, const float *sum, const dis_packed_convolution *c) {
  for (size_t j = 0; j < DIS_CHANNELS; j++) {
    const float y = c->relu && sum[j] < 0 ? 0 : sum[j];
    to[j] = c->add ? to[j] + y : y;
  }
}

/// Computes the direct method by its definition, one group of outputs at a time.
void dis_convolve_packed_scalar(
    float *out, const float *x, const float *packed, const float *bias,
    const dis_packed_convolution *c, float *scratch) {
  (void)scratch;
  const dis_window w = c->window;
  const size_t taps = w.kernel_height * w.kernel_width;
  for (size_t pixel = 0; pixel < w.out_height * w.out_width; pixel++) {
    for (size_t o = 0; o < c->outputs; o += DIS_CHANNELS) {
      const float *weights = packed + o * taps * c->inputs;
      float sum[DIS_CHANNELS];
      memcpy(sum, bias + o, sizeof sum);
      for (size_t tap = 0; tap < taps; tap++, weights += c->inputs * DIS_CHANNELS) {
        const size_t y = pixel / w.out_width * w.stride + tap / w.kernel_width - w.padding_height;
        const size_t q = pixel % w.out_width * w.stride + tap % w.kernel_width - w.padding_width;
        const float *in = dis_pixel(c, x, y, q, NULL);
        if (in == NULL) continue;
        for (size_t i = 0; i < c->inputs; i++) {
          for (size_t j = 0; j < DIS_CHANNELS; j++) sum[j] += in[i] * weights[i * DIS_CHANNELS + j];
        }
      }
      finish_group(out + pixel * c->out_stride + o, sum, c);
    }
  }
}

/// Computes the same for DIS_BFLOAT16. Products are added in the order of the vector kernels, so
/// even the last bits agree.
void dis_convolve_bfloat16_scalar(
    float *out, const float *x, const float *packed, const float *bias,
    const dis_packed_convolution *c, float *scratch) {
  (void)scratch;
  const dis_window w = c->window;
  const size_t taps = w.kernel_height * w.kernel_width, words = dis_words(c, c->inputs);
  for (size_t pixel = 0; pixel < w.out_height * w.out_width; pixel++) {
    for (size_t o = 0; o < c->outputs; o += DIS_CHANNELS) {
      const uint16_t *weights = (const uint16_t *)(packed + o * taps * words);
      float sum[DIS_CHANNELS];
      memcpy(sum, bias + o, sizeof sum);
      for (size_t tap = 0; tap < taps; tap++, weights += 2 * words * DIS_CHANNELS) {
        const size_t y = pixel / w.out_width * w.stride + tap / w.kernel_width - w.padding_height;
        const size_t q = pixel % w.out_width * w.stride + tap % w.kernel_width - w.padding_width;
        const float *in = dis_pixel(c, x, y, q, NULL);
        if (in == NULL) continue;
        for (size_t i = 0; i < 2 * words; i++) {
          const size_t channel = i ^ 1;  // The second of a pair is added first.
          if (channel == c->inputs) continue;
          const float value = dis_widened(dis_bfloat16(in[channel]));
          for (size_t j = 0; j < DIS_CHANNELS; j++) {
            sum[j] += value * dis_widened(weights[(i / 2 * DIS_CHANNELS + j) * 2 + channel % 2]);
          }
        }
      }
      finish_group(out + pixel * c->out_stride + o, sum, c);
    }
  }
}
