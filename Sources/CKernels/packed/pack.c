#include "../fourier/fourier.h"
#include "../winograd/winograd.h"
#include "bfloat16.h"
#include "ranges.h"

#include <string.h>

size_t dis_packed_count(const dis_packed_convolution *c) {
  assert(dis_convolution_is_valid(c));
  return dis_matrices(c) * dis_words(c, c->inputs) * dis_round_up(c->outputs, DIS_CHANNELS);
}

/// Computes the matrices' weights between one input and one output from the taps of the kernel.
static void transform(double *to, const double *kernel, const dis_packed_convolution *c) {
  switch (c->method) {
    case DIS_DIRECT:
    case DIS_WINOGRAD_COMPACT: memcpy(to, kernel, dis_matrices(c) * sizeof *to); return;
    case DIS_WINOGRAD:
    case DIS_WINOGRAD_2:
    case DIS_WINOGRAD_HALVING:
      dis_winograd_weights(
          to, kernel, c->method, c->window.kernel_height, c->window.kernel_width);
      return;
    case DIS_FOURIER_7: dis_fourier_weights(to, kernel); return;
  }
}

void dis_pack(
    enum dis_instructions instructions, float *packed, const float *weight, const double *gain,
    const dis_packed_convolution *c) {
  assert(dis_convolution_is_valid(c));
  assert(dis_convolution_is_for(instructions, c));
  const size_t taps = c->window.kernel_height * c->window.kernel_width, matrices = dis_matrices(c);
  const size_t groups = dis_round_up(c->outputs, DIS_CHANNELS) / DIS_CHANNELS;
  const size_t words = dis_words(c, c->inputs);
  double kernel[taps], transformed[matrices];
  // If the number of inputs is odd, half of the last word remains 0.
  if (c->precision == DIS_BFLOAT16) memset(packed, 0, dis_packed_count(c) * sizeof *packed);
  for (size_t group = 0; group < groups;) {
    const size_t panel = dis_panel_groups(instructions, groups - group);
    const size_t width = panel * DIS_CHANNELS;
    for (size_t j = 0; j < width; j++) {
      const size_t o = group * DIS_CHANNELS + j;
      for (size_t i = 0; i < c->inputs; i++) {
        for (size_t tap = 0; tap < taps; tap++) {
          kernel[tap] = o < c->outputs ? weight[(o * c->inputs + i) * taps + tap] * gain[o] : 0;
        }
        transform(transformed, kernel, c);
        for (size_t m = 0; m < matrices; m++) {
          if (c->precision == DIS_BFLOAT16) {
            uint16_t *pair = (uint16_t *)(packed + (m * words + i / 2) * width + j);
            pair[i % 2] = dis_bfloat16(transformed[m]);
          } else {
            packed[(m * words + i) * width + j] = (float)transformed[m];
          }
        }
      }
    }
    packed += matrices * words * width;
    group += panel;
  }
}
