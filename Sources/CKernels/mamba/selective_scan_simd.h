// The selective scan of Mamba.

#include "../instructions/exponential_simd.h"
#include "mamba_kernels.h"

DIS_BEGIN_KERNELS

/// The number of tokens in a block of the scan. Everything that depends on a token but not on a
/// state is first computed for a whole block. The long dependency chains of softplus then overlap,
/// whereas they would otherwise stall the recurrence.
#define BLOCK 48

/// The number of states that are advanced together: half of them, so that they and their
/// coefficients fit in the registers.
#define STATES_TOGETHER 8

/// The number of states whose decays are computed in turns, which was only measured with AVX2.
#define DECAYS_TOGETHER (DIS_LANES == 8 ? 4 : 1)

/// Advances STATES_TOGETHER states over the tokens of a block, and adds their outputs to `sums`.
INLINE void scan_states(
    vector *h, const vector *delta, const vector *delta_u, vector *sums, const float *a,
    const float *b, const float *c, ptrdiff_t bc_step, size_t channels, size_t lanes,
    size_t tokens) {
  vector coefficient[STATES_TOGETHER], state[STATES_TOGETHER];
  UNROLL for (size_t n = 0; n < STATES_TOGETHER; n++) {
    coefficient[n] = load_first(a + n * channels, lanes);
    state[n] = h[n];
  }
  for (size_t i = 0; i < tokens; i++, b += bc_step, c += bc_step) {
    vector even = sums[i], odd = {0};
    UNROLL for (size_t first = 0; first < STATES_TOGETHER; first += DECAYS_TOGETHER) {
      vector decay[DECAYS_TOGETHER];
      UNROLL for (size_t j = 0; j < DECAYS_TOGETHER; j++) {
        decay[j] = delta[i] * coefficient[first + j];
      }
      exp2_approximate(decay, DECAYS_TOGETHER);
      UNROLL for (size_t j = 0; j < DECAYS_TOGETHER; j++) {
        const size_t n = first + j;
        state[n] = multiply_add(decay[j], state[n], delta_u[i] * splat(b[n]));
        if (n % 2 == 0) {
          even = multiply_add(state[n], splat(c[n]), even);
        } else {
          odd = multiply_add(state[n], splat(c[n]), odd);
        }
      }
    }
    sums[i] = even + odd;
  }
  UNROLL for (size_t n = 0; n < STATES_TOGETHER; n++) h[n] = state[n];
}

/// Scans the first `lanes` channels.
INLINE void scan_channels(
    float *y, const float *u, const float *delta_raw, const float *a, const float *b,
    const float *c, size_t bc_stride, const float *d, const float *delta_bias, float *states,
    size_t tokens, size_t channels, size_t lanes, int reverse, int accumulate) {
  vector h[DIS_STATES];
  for (size_t n = 0; n < DIS_STATES; n++) h[n] = load_first(states + n * channels, lanes);
  vector delta[BLOCK], delta_u[BLOCK], sums[BLOCK];
  const vector skip = load_first(d, lanes), bias = load_first(delta_bias, lanes);
  const ptrdiff_t bc_step = reverse ? -(ptrdiff_t)bc_stride : (ptrdiff_t)bc_stride;
  for (size_t start = 0; start < tokens; start += BLOCK) {
    const size_t count = tokens - start < BLOCK ? tokens - start : BLOCK;
    for (size_t i = 0; i < count; i++) {
      const size_t l = reverse ? tokens - 1 - start - i : start + i;
      const vector input = load_first(u + l * channels, lanes);
      delta[i] = softplus(load_first(delta_raw + l * channels, lanes) + bias);
      delta_u[i] = delta[i] * input;
      sums[i] = skip * input;
    }
    const size_t l0 = reverse ? tokens - 1 - start : start;
    for (size_t n = 0; n < DIS_STATES; n += STATES_TOGETHER) {
      scan_states(
          h + n, delta, delta_u, sums, a + n * channels, b + l0 * bc_stride + n,
          c + l0 * bc_stride + n, bc_step, channels, lanes, count);
    }
    for (size_t i = 0; i < count; i++) {
      const size_t l = reverse ? tokens - 1 - start - i : start + i;
      const vector before = accumulate ? load_first(y + l * channels, lanes) : splat(0);
      store_first(y + l * channels, before + sums[i], lanes);
    }
  }
  for (size_t n = 0; n < DIS_STATES; n++) store_first(states + n * channels, h[n], lanes);
}

void DIS_KERNEL(dis_selective_scan)(
    float *y, const float *u, const float *delta_raw, const float *a, const float *b,
    const float *c, size_t bc_stride, const float *d, const float *delta_bias, float *h,
    size_t tokens, size_t channels, int reverse, int accumulate) {
  size_t first = 0;
  for (; first + DIS_LANES <= channels; first += DIS_LANES) {
    scan_channels(
        y + first, u + first, delta_raw + first, a + first, b, c, bc_stride, d + first,
        delta_bias + first, h + first, tokens, channels, DIS_LANES, reverse, accumulate);
  }
  if (first < channels) {
    scan_channels(
        y + first, u + first, delta_raw + first, a + first, b, c, bc_stride, d + first,
        delta_bias + first, h + first, tokens, channels, channels - first, reverse, accumulate);
  }
}

DIS_END_KERNELS
