// The vector kernels, written once with clang's vector types: a lane is a channel, so nothing is
// ever reduced across lanes. Included by one small file per instruction set, which defines
// DIS_LANES and DIS_KERNEL(name).

#include "mamba_internal.h"

#include <stdint.h>
#include <string.h>

typedef float vector __attribute__((vector_size(DIS_LANES * 4)));
typedef int32_t integers __attribute__((vector_size(DIS_LANES * 4)));

#define INLINE static inline __attribute__((always_inline))
#define MULTIPLY_ADD(a, b, c) __builtin_elementwise_fma((a), (b), (c))

INLINE vector splat(float x) { return x - (vector){0}; }

/// The first `count` lanes from memory, zeros in the others.
INLINE vector load(const float *from, size_t count) {
  vector x = {0};
  if (count == DIS_LANES) {
    memcpy(&x, from, sizeof x);
  } else {
    memcpy(&x, from, count * sizeof(float));
  }
  return x;
}

INLINE void store(float *to, vector x, size_t count) {
  if (count == DIS_LANES) {
    memcpy(to, &x, sizeof x);
  } else {
    memcpy(to, &x, count * sizeof(float));
  }
}

/// 2^x for x <= 127: split into integer and fraction, a minimax polynomial of degree 5 on
/// [-1/2, 1/2] (7.5e-8 relative), and the integer added to the exponent. Below -126 the result
/// stays 2^-126, which is nothing beside a state of ordinary size.
INLINE vector exp2_approximate(vector x) {
  x = __builtin_elementwise_max(x, splat(-126.0f));
  const vector shifter = splat(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer
  const vector shifted = x + shifter;
  const vector r = x - (shifted - shifter);
  vector p = MULTIPLY_ADD(splat(1.327647196e-03f), r, splat(9.675541503e-03f));
  p = MULTIPLY_ADD(p, r, splat(5.550713275e-02f));
  p = MULTIPLY_ADD(p, r, splat(2.402211972e-01f));
  p = MULTIPLY_ADD(p, r, splat(6.931469671e-01f));
  p = MULTIPLY_ADD(p, r, splat(1.000000072e+00f));
  return (vector)((integers)p + ((integers)shifted << 23));
}

/// e^x for x in [-87, 88]; the argument is clamped to it. log2(e) is applied in two parts, so the
/// relative error stays near 1e-7 for large |x|.
INLINE vector exp_approximate(vector x) {
  x = __builtin_elementwise_min(__builtin_elementwise_max(x, splat(-87.0f)), splat(88.0f));
  const vector shifter = splat(12582912.0f);
  const vector shifted = MULTIPLY_ADD(x, splat(1.44269504f), shifter);
  const vector n = shifted - shifter;
  vector r = MULTIPLY_ADD(n, splat(-0.693359375f), x);  // Cody & Waite
  r = MULTIPLY_ADD(n, splat(2.12194440e-4f), r);
  vector p = MULTIPLY_ADD(splat(1.9875691500e-4f), r, splat(1.3981999507e-3f));  // Cephes expf
  p = MULTIPLY_ADD(p, r, splat(8.3334519073e-3f));
  p = MULTIPLY_ADD(p, r, splat(4.1665795894e-2f));
  p = MULTIPLY_ADD(p, r, splat(1.6666665459e-1f));
  p = MULTIPLY_ADD(p, r, splat(5.0000001201e-1f));
  p = MULTIPLY_ADD(p, r * r, r) + 1.0f;
  return (vector)((integers)p + ((integers)shifted << 23));
}

/// log(1 + e) for e >= 0: log of w = fl(1 + e) plus the correction (e - (w - 1)) / w for what the
/// sum rounded away; log w = k log 2 + polynomial of the mantissa in [3/4, 3/2).
INLINE vector log1p_approximate(vector e) {
  const vector w = e + 1.0f;
  const vector correction = (e - (w - 1.0f)) / w;
  const integers offset = (integers)w - 0x3f400000;
  const vector k = __builtin_convertvector(offset >> 23, vector);
  const vector s = (vector)((offset & 0x7fffff) + 0x3f400000) - 1.0f;
  vector p = MULTIPLY_ADD(splat(5.411175239e-02f), s, splat(-1.207672387e-01f));
  p = MULTIPLY_ADD(p, s, splat(1.499450023e-01f));
  p = MULTIPLY_ADD(p, s, splat(-1.682431253e-01f));
  p = MULTIPLY_ADD(p, s, splat(1.997591263e-01f));
  p = MULTIPLY_ADD(p, s, splat(-2.499321832e-01f));
  p = MULTIPLY_ADD(p, s, splat(3.333359213e-01f));
  p = MULTIPLY_ADD(p, s, splat(-5.000006640e-01f));
  p = MULTIPLY_ADD(p, s, splat(9.999999941e-01f));
  return MULTIPLY_ADD(k, splat(0.69314718f), MULTIPLY_ADD(p, s, correction));
}

/// log(1 + e^x), and x itself above 20, as the reference does, and for NaN.
INLINE vector softplus(vector x) {
  const vector y = log1p_approximate(exp_approximate(__builtin_elementwise_min(x, splat(20.0f))));
  const integers small = x <= splat(20.0f);
  return (vector)(((integers)y & small) | ((integers)x & ~small));
}

INLINE vector silu(vector x) { return x / (1.0f + exp_approximate(-x)); }

void DIS_KERNEL(causal_conv1d_silu)(
    float *out, const float *x, size_t x_stride, const float *weight, const float *bias,
    size_t tokens, size_t channels, size_t history, int reverse) {
  const ptrdiff_t step_back = reverse ? (ptrdiff_t)x_stride : -(ptrdiff_t)x_stride;
  const float *start = reverse && tokens > 0 ? x + (tokens - 1) * x_stride : x;
  for (size_t first = 0; first < channels; first += DIS_LANES) {
    const size_t lanes = channels - first < DIS_LANES ? channels - first : DIS_LANES;
    vector w[DIS_TAPS], window[DIS_TAPS] = {{0}};
    for (size_t k = 0; k < DIS_TAPS; k++) w[k] = load(weight + k * channels + first, lanes);
    const vector b = load(bias + first, lanes);
    for (size_t back = 1; back < DIS_TAPS && back <= history; back++) {
      window[DIS_TAPS - back] = load(start + (ptrdiff_t)back * step_back + first, lanes);
    }
    for (size_t step = 0; step < tokens; step++) {
      const size_t l = reverse ? tokens - 1 - step : step;
      for (size_t k = 0; k + 1 < DIS_TAPS; k++) window[k] = window[k + 1];
      window[DIS_TAPS - 1] = load(x + l * x_stride + first, lanes);
      vector sum = b;
      for (size_t k = 0; k < DIS_TAPS; k++) sum = MULTIPLY_ADD(w[k], window[k], sum);
      store(out + l * channels + first, silu(sum), lanes);
    }
  }
}

/// Tokens per block of the scan: what depends on a token but not on a state is computed for a
/// whole block first, so that its long latency chains (softplus) overlap instead of stalling the
/// recurrence.
#define BLOCK 48

/// States advanced together: half of them, so that states and coefficients fit the registers.
#define STATES_TOGETHER 8

INLINE void scan_states(
    vector *h, const vector *delta, const vector *delta_u, vector *sums, const float *a,
    const float *b, const float *c, ptrdiff_t bc_step, size_t channels, size_t lanes,
    size_t tokens) {
  vector coefficient[STATES_TOGETHER], state[STATES_TOGETHER];
#pragma clang loop unroll(full)
  for (size_t n = 0; n < STATES_TOGETHER; n++) {
    coefficient[n] = load(a + n * channels, lanes);
    state[n] = h[n];
  }
  for (size_t i = 0; i < tokens; i++, b += bc_step, c += bc_step) {
    vector even = sums[i], odd = {0};
#pragma clang loop unroll(full)
    for (size_t n = 0; n < STATES_TOGETHER; n++) {
      const vector decay = exp2_approximate(delta[i] * coefficient[n]);
      state[n] = MULTIPLY_ADD(decay, state[n], delta_u[i] * splat(b[n]));
      if (n % 2 == 0) {
        even = MULTIPLY_ADD(state[n], splat(c[n]), even);
      } else {
        odd = MULTIPLY_ADD(state[n], splat(c[n]), odd);
      }
    }
    sums[i] = even + odd;
  }
#pragma clang loop unroll(full)
  for (size_t n = 0; n < STATES_TOGETHER; n++) h[n] = state[n];
}

INLINE void scan_channels(
    float *y, const float *u, const float *delta_raw, const float *a, const float *b,
    const float *c, size_t bc_stride, const float *d, const float *delta_bias, float *states,
    size_t tokens, size_t channels, size_t lanes, int reverse, int accumulate) {
  vector h[DIS_STATES];
  for (size_t n = 0; n < DIS_STATES; n++) h[n] = load(states + n * channels, lanes);
  vector delta[BLOCK], delta_u[BLOCK], sums[BLOCK];
  const vector skip = load(d, lanes), bias = load(delta_bias, lanes);
  const ptrdiff_t bc_step = reverse ? -(ptrdiff_t)bc_stride : (ptrdiff_t)bc_stride;
  for (size_t start = 0; start < tokens; start += BLOCK) {
    const size_t count = tokens - start < BLOCK ? tokens - start : BLOCK;
    for (size_t i = 0; i < count; i++) {
      const size_t l = reverse ? tokens - 1 - start - i : start + i;
      const vector input = load(u + l * channels, lanes);
      delta[i] = softplus(load(delta_raw + l * channels, lanes) + bias);
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
      const vector before = accumulate ? load(y + l * channels, lanes) : splat(0);
      store(y + l * channels, before + sums[i], lanes);
    }
  }
  for (size_t n = 0; n < DIS_STATES; n++) store(states + n * channels, h[n], lanes);
}

void DIS_KERNEL(selective_scan)(
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

void DIS_KERNEL(silu_gate)(
    float *y, const float *z, size_t z_stride, size_t rows, size_t columns) {
  for (size_t r = 0; r < rows; r++) {
    for (size_t c = 0; c < columns; c += DIS_LANES) {
      const size_t lanes = columns - c < DIS_LANES ? columns - c : DIS_LANES;
      float *at = y + r * columns + c;
      store(at, load(at, lanes) * silu(load(z + r * z_stride + c, lanes)), lanes);
    }
  }
}

void DIS_KERNEL(silu)(float *x, size_t count) {
  for (size_t i = 0; i < count; i += DIS_LANES) {
    const size_t lanes = count - i < DIS_LANES ? count - i : DIS_LANES;
    store(x + i, silu(load(x + i, lanes)), lanes);
  }
}

#include "../normalization/normalization_simd.h"
