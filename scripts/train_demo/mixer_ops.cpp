// Fused CPU kernels of the bidirectional Mamba mixer, with hand-written gradients.
//
// Layouts: activations are [batch, tokens, channels], contiguous. The two scan directions are stacked in a leading
// dimension of size 2: 0 reads tokens left to right, 1 right to left. Activations are float32 or bfloat16; all arithmetic
// and all parameters are float32. One vector holds 16 neighbouring channels, so that no sum over the 16 states of a channel
// crosses lanes. Work is split over batch elements, and every thread sums parameter gradients in its own buffer.

#include <ATen/Parallel.h>
#include <torch/extension.h>

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#include <vector>

namespace {

constexpr int kLanes = 16;
constexpr int kStates = 16;
constexpr int kTaps = 4;
constexpr float kLog2E = 1.4426950408889634f;

typedef float Vec __attribute__((vector_size(64)));
typedef int32_t IntVec __attribute__((vector_size(64)));
typedef uint32_t WordVec __attribute__((vector_size(64)));
typedef uint16_t HalfVec __attribute__((vector_size(32)));

inline Vec load(const float* p) {
  Vec v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

inline Vec load(const at::BFloat16* p) {
  HalfVec bits;
  __builtin_memcpy(&bits, p, sizeof bits);
  return (Vec)(__builtin_convertvector(bits, WordVec) << 16);
}

inline void store(float* p, Vec v) { __builtin_memcpy(p, &v, sizeof v); }

inline void store(at::BFloat16* p, Vec v) {
  const WordVec bits = (WordVec)v;
  const WordVec rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;  // to nearest, ties to even
  const HalfVec half = __builtin_convertvector(rounded, HalfVec);
  __builtin_memcpy(p, &half, sizeof half);
}

inline Vec splat(float x) { return Vec{} + x; }

inline float sum(Vec v) {
  float total = 0;
  for (int k = 0; k < kLanes; ++k) total += v[k];
  return total;
}

// 2^f for f in [0, 1), relative error 1e-7.
inline Vec exp2_fraction(Vec f) {
  Vec p = f * 0.001877577f + 0.008989340f;
  p = p * f + 0.055826318f;
  p = p * f + 0.240153617f;
  p = p * f + 0.693153073f;
  return p * f + 0.999999925f;
}

// 2^x for x below 127; results under 2^-126 may be zero.
inline Vec exp2(Vec x) {
#if defined(__AVX512F__) && defined(__AVX512DQ__)
  constexpr int kFraction = 1;  // x - floor(x)
  return (Vec)_mm512_scalef_ps((__m512)exp2_fraction((Vec)_mm512_reduce_ps((__m512)x, kFraction)), (__m512)x);
#else
  x = x > -126.0f ? x : splat(-126.0f);
  IntVec whole = __builtin_convertvector(x, IntVec);
  Vec f = x - __builtin_convertvector(whole, Vec);  // rounded to zero: (-1, 1)
  const IntVec below = f < 0.0f;                    // -1 where it is
  whole += below;
  f -= __builtin_convertvector(below, Vec);
  return (Vec)((IntVec)exp2_fraction(f) + (whole << 23));
#endif
}

inline Vec sigmoid(Vec x) {
  const Vec t = x > -80.0f ? x : splat(-80.0f);
  return 1.0f / (1.0f + exp2(t * -kLog2E));
}

inline Vec silu(Vec x) { return x * sigmoid(x); }

// d silu(x) / dx
inline Vec silu_slope(Vec x) {
  const Vec s = sigmoid(x);
  return s * (1.0f + x * (1.0f - s));
}

// log(1 + e^x) = max(x, 0) + 2 atanh(w / (2 + w)) with w = e^-|x|.
inline Vec softplus(Vec x) {
  const Vec positive = x > 0.0f ? x : splat(0.0f);
  const Vec w = exp2((x - 2.0f * positive) * kLog2E);
  const Vec s = w / (2.0f + w);
  const Vec q = s * s;
  Vec p = q * (1.0f / 13) + 1.0f / 11;
  p = p * q + 1.0f / 9;
  p = p * q + 1.0f / 7;
  p = p * q + 1.0f / 5;
  p = p * q + 1.0f / 3;
  return positive + 2.0f * s * (p * q + 1.0f);
}

inline int64_t position(int direction, int64_t step, int64_t tokens) { return direction ? tokens - 1 - step : step; }

// One zeroed slab of floats per thread; total() adds them up.
class ThreadSums {
 public:
  explicit ThreadSums(int64_t size) : sums_(at::zeros({at::get_num_threads(), size}, at::kFloat)) {}
  float* mine() { return sums_.data_ptr<float>() + at::get_thread_num() * sums_.size(1); }
  at::Tensor total() const { return sums_.sum(0); }

 private:
  at::Tensor sums_;
};

inline void accumulate(float* p, Vec v) { store(p, load(p) + v); }

// ---------------------------------------------------------------------------------------------------------------------
// residual = residual + hidden; normed = residual / rms(residual) * weight

template <class T>
void add_rms_norm_kernel(const T* hidden, const float* residual, const float* weight, float eps, int64_t rows, int64_t dim,
                         float* sum_out, T* normed, float* scale) {
  at::parallel_for(0, rows, 256, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      Vec square{};
      for (int64_t i = r * dim; i < (r + 1) * dim; i += kLanes) {
        Vec v = load(residual + i);
        if (hidden) v += load(hidden + i);
        store(sum_out + i, v);
        square += v * v;
      }
      scale[r] = 1.0f / std::sqrt(sum(square) / dim + eps);
      for (int64_t k = 0; k < dim; k += kLanes)
        store(normed + r * dim + k, load(sum_out + r * dim + k) * scale[r] * load(weight + k));
    }
  });
}

template <class T>
void add_rms_norm_backward_kernel(const T* d_normed, const float* d_sum, const float* sums, const float* weight,
                                  const float* scale, int64_t rows, int64_t dim, float* d_residual, T* d_hidden,
                                  ThreadSums& d_weight) {
  at::parallel_for(0, rows, 256, [&](int64_t begin, int64_t end) {
    float* dw = d_weight.mine();
    for (int64_t r = begin; r < end; ++r) {
      Vec dots{};
      for (int64_t k = 0; k < dim; k += kLanes) {
        const Vec dy = load(d_normed + r * dim + k), x = load(sums + r * dim + k);
        dots += dy * load(weight + k) * x;
        accumulate(dw + k, dy * x * scale[r]);
      }
      const float pull = sum(dots) * scale[r] * scale[r] / dim;
      for (int64_t k = 0; k < dim; k += kLanes) {
        const int64_t i = r * dim + k;
        Vec g = scale[r] * (load(d_normed + i) * load(weight + k) - load(sums + i) * pull);
        if (d_sum) g += load(d_sum + i);
        store(d_residual + i, g);
        if (d_hidden) store(d_hidden + i, g);
      }
    }
  });
}

// ---------------------------------------------------------------------------------------------------------------------
// Depthwise causal convolution (4 taps) and SiLU, in both directions, of the first half of the channels of xz.

template <class T>
void conv_silu_kernel(const T* xz, const float* weight, const float* bias, int64_t batch, int64_t tokens, int64_t inner,
                      T* out) {
  at::parallel_for(0, batch, 1, [&](int64_t begin, int64_t end) {
    std::vector<Vec> x(tokens + kTaps - 1);
    for (int64_t b = begin; b < end; ++b)
      for (int direction = 0; direction < 2; ++direction)
        for (int64_t c = 0; c < inner; c += kLanes) {
          const float* w = weight + direction * kTaps * inner + c;
          const Vec shift = load(bias + direction * inner + c);
          for (int64_t i = 0; i < tokens; ++i)
            x[i + kTaps - 1] = load(xz + (b * tokens + position(direction, i, tokens)) * 2 * inner + c);
          for (int64_t i = 0; i < tokens; ++i) {
            Vec v = shift;
            for (int k = 0; k < kTaps; ++k) v += load(w + k * inner) * x[i + k];
            store(out + ((direction * batch + b) * tokens + position(direction, i, tokens)) * inner + c, silu(v));
          }
        }
  });
}

template <class T>
void conv_silu_backward_kernel(const T* xz, const T* d_out, const float* weight, const float* bias, int64_t batch,
                               int64_t tokens, int64_t inner, T* d_xz, ThreadSums& d_params) {
  at::parallel_for(0, batch, 1, [&](int64_t begin, int64_t end) {
    std::vector<Vec> x(tokens + kTaps - 1), d_sum(tokens + kTaps - 1), d_x(tokens);
    float* sums = d_params.mine();  // [direction][tap 0..3, bias][inner]
    for (int64_t b = begin; b < end; ++b)
      for (int64_t c = 0; c < inner; c += kLanes) {
        std::fill(d_x.begin(), d_x.end(), Vec{});
        for (int direction = 0; direction < 2; ++direction) {
          const float* w = weight + direction * kTaps * inner + c;
          float* d_w = sums + direction * (kTaps + 1) * inner + c;
          const Vec shift = load(bias + direction * inner + c);
          for (int64_t i = 0; i < tokens; ++i)
            x[i + kTaps - 1] = load(xz + (b * tokens + position(direction, i, tokens)) * 2 * inner + c);
          Vec grads[kTaps + 1] = {};
          for (int64_t i = 0; i < tokens; ++i) {
            Vec v = shift;
            for (int k = 0; k < kTaps; ++k) v += load(w + k * inner) * x[i + k];
            const int64_t at = ((direction * batch + b) * tokens + position(direction, i, tokens)) * inner + c;
            const Vec g = load(d_out + at) * silu_slope(v);
            d_sum[i] = g;
            for (int k = 0; k < kTaps; ++k) grads[k] += g * x[i + k];
            grads[kTaps] += g;
          }
          for (int64_t i = 0; i < tokens; ++i)  // d_sum has kTaps - 1 zeros at its end
            for (int k = 0; k < kTaps; ++k)
              d_x[position(direction, i, tokens)] += load(w + k * inner) * d_sum[i + kTaps - 1 - k];
          for (int k = 0; k <= kTaps; ++k) accumulate(d_w + k * inner, grads[k]);
        }
        for (int64_t l = 0; l < tokens; ++l) store(d_xz + (b * tokens + l) * 2 * inner + c, d_x[l]);
      }
  });
}

// ---------------------------------------------------------------------------------------------------------------------
// Selective scan. With delta = softplus(dt_weight . dt + dt_bias):
//   h[l] = exp(delta[l] A) h[l-1] + delta[l] u[l] B[l],   y[l] = C[l] . h[l] + D u[l],   out = (y_0 + y_1) silu(z)

struct ScanShape {
  int64_t batch, tokens, inner, rank;
  int64_t columns() const { return rank + 2 * kStates; }  // of a row of `proj`: dt, B, C
};

// Parameters with the channel last: dt_weight [2][rank][inner], a [2][states][inner] (a is A * log2 e).
struct ScanParams {
  const float *dt_weight, *dt_bias, *a, *d;
};

// One direction of one sample: its projections as float32, one row a token.
template <class T>
void widen_rows(const T* proj, int64_t count, std::vector<float>& rows) {
  for (int64_t i = 0; i < count; ++i) rows[i] = static_cast<float>(proj[i]);
}

inline Vec step_size(const ScanShape& s, const ScanParams& p, int direction, int64_t c, const float* row) {
  Vec v = load(p.dt_bias + direction * s.inner + c);
  for (int64_t r = 0; r < s.rank; ++r) v += load(p.dt_weight + (direction * s.rank + r) * s.inner + c) * row[r];
  return softplus(v);
}

template <class T>
void scan_kernel(const ScanShape s, const ScanParams p, const T* xz, const T* u, const T* proj, T* out) {
  at::parallel_for(0, s.batch, 1, [&](int64_t begin, int64_t end) {
    std::vector<float> rows(s.tokens * s.columns());
    std::vector<Vec> y(s.tokens * s.inner / kLanes), inputs(s.tokens), deltas(s.tokens);
    for (int64_t b = begin; b < end; ++b) {
      std::fill(y.begin(), y.end(), Vec{});
      for (int direction = 0; direction < 2; ++direction) {
        const int64_t first = (direction * s.batch + b) * s.tokens;
        widen_rows(proj + first * s.columns(), s.tokens * s.columns(), rows);
        for (int64_t c = 0; c < s.inner; c += kLanes) {
          const Vec d = load(p.d + direction * s.inner + c);
          Vec a[kStates], h[kStates] = {};
          for (int n = 0; n < kStates; ++n) a[n] = load(p.a + (direction * kStates + n) * s.inner + c);
          for (int64_t l = 0; l < s.tokens; ++l) {
            inputs[l] = load(u + (first + l) * s.inner + c);
            deltas[l] = step_size(s, p, direction, c, rows.data() + l * s.columns());
          }
          for (int64_t i = 0; i < s.tokens; ++i) {
            const int64_t l = position(direction, i, s.tokens);
            const float* row = rows.data() + l * s.columns();
            const Vec input = inputs[l], delta = deltas[l], scaled = delta * input;
            Vec sum0 = d * input, sum1{};
#pragma GCC unroll 16
            for (int n = 0; n < kStates; n += 2) {
              h[n] = exp2(delta * a[n]) * h[n] + scaled * row[s.rank + n];
              sum0 += h[n] * row[s.rank + kStates + n];
              h[n + 1] = exp2(delta * a[n + 1]) * h[n + 1] + scaled * row[s.rank + n + 1];
              sum1 += h[n + 1] * row[s.rank + kStates + n + 1];
            }
            y[(l * s.inner + c) / kLanes] += sum0 + sum1;
          }
        }
      }
      for (int64_t l = 0; l < s.tokens; ++l)
        for (int64_t c = 0; c < s.inner; c += kLanes) {
          const int64_t row = b * s.tokens + l;
          store(out + row * s.inner + c, y[(l * s.inner + c) / kLanes] * silu(load(xz + row * 2 * s.inner + s.inner + c)));
        }
    }
  });
}

// Writes d_z into the second half of d_xz, d_u, d_proj; sums [direction][dt_weight rank, dt_bias, a 16, d][inner].
template <class T>
void scan_backward_kernel(const ScanShape s, const ScanParams p, const T* d_out, const T* xz, const T* u, const T* proj,
                          T* d_xz, T* d_u, T* d_proj, ThreadSums& d_params) {
  at::parallel_for(0, s.batch, 1, [&](int64_t begin, int64_t end) {
    const int64_t groups = s.inner / kLanes, tokens = s.tokens, columns = s.columns();
    std::vector<float> rows(tokens * columns);
    std::vector<Vec> y(tokens * groups), decay(tokens * kStates), state((tokens + 1) * kStates);
    std::vector<Vec> inputs(tokens), deltas(tokens), d_deltas(tokens), d_y(tokens * groups), d_rows(tokens * columns);
    float* sums = d_params.mine();
    for (int64_t b = begin; b < end; ++b) {
      std::fill(y.begin(), y.end(), Vec{});
      for (int64_t l = 0; l < tokens; ++l)
        for (int64_t c = 0; c < s.inner; c += kLanes) {
          const int64_t at = b * tokens + l;
          d_y[(l * s.inner + c) / kLanes] = load(d_out + at * s.inner + c) * silu(load(xz + at * 2 * s.inner + s.inner + c));
        }
      for (int direction = 0; direction < 2; ++direction) {
        const int64_t first = (direction * s.batch + b) * tokens;
        float* d_dir = sums + direction * (s.rank + kStates + 2) * s.inner;
        widen_rows(proj + first * columns, tokens * columns, rows);
        std::fill(d_rows.begin(), d_rows.end(), Vec{});
        for (int64_t c = 0; c < s.inner; c += kLanes) {
          const Vec d = load(p.d + direction * s.inner + c);
          Vec a[kStates], h[kStates] = {};
          for (int n = 0; n < kStates; ++n) a[n] = load(p.a + (direction * kStates + n) * s.inner + c);

          for (int64_t l = 0; l < tokens; ++l) {
            inputs[l] = load(u + (first + l) * s.inner + c);
            deltas[l] = step_size(s, p, direction, c, rows.data() + l * columns);
          }
          for (int64_t i = 0; i < tokens; ++i) {  // repeats the forward pass, keeping the decays and the states
            const int64_t l = position(direction, i, tokens);
            const float* row = rows.data() + l * columns;
            const Vec input = inputs[l], delta = deltas[l], scaled = delta * input;
            Vec total = d * input;
#pragma GCC unroll 16
            for (int n = 0; n < kStates; ++n) {
              const Vec e = exp2(delta * a[n]);
              h[n] = e * h[n] + scaled * row[s.rank + n];
              total += h[n] * row[s.rank + kStates + n];
              decay[i * kStates + n] = e;
              state[(i + 1) * kStates + n] = h[n];
            }
            y[(l * s.inner + c) / kLanes] += total;
          }

          Vec d_h[kStates] = {}, d_a[kStates] = {}, d_bias{}, d_skip{};
          for (int64_t i = tokens - 1; i >= 0; --i) {
            const int64_t l = position(direction, i, tokens);
            const float* row = rows.data() + l * columns;
            Vec* d_row = d_rows.data() + l * columns;
            const Vec g_y = d_y[(l * s.inner + c) / kLanes], input = inputs[l], delta = deltas[l], scaled = delta * input;
            Vec d_scaled{}, d_delta{};
#pragma GCC unroll 16
            for (int n = 0; n < kStates; ++n) {
              const Vec g = d_h[n] + g_y * row[s.rank + kStates + n];
              d_row[s.rank + kStates + n] += g_y * state[(i + 1) * kStates + n];
              d_row[s.rank + n] += g * scaled;
              d_scaled += g * row[s.rank + n];
              d_h[n] = g * decay[i * kStates + n];
              const Vec q = d_h[n] * state[i * kStates + n];
              d_delta += q * a[n];
              d_a[n] += q * delta;
            }
            d_skip += g_y * input;
            store(d_u + (first + l) * s.inner + c, d * g_y + d_scaled * delta);
            d_deltas[l] = d_delta * (1 / kLog2E) + d_scaled * input;
          }
          for (int64_t l = 0; l < tokens; ++l) {
            const float* row = rows.data() + l * columns;
            const Vec g = d_deltas[l] * (1.0f - exp2(deltas[l] * -kLog2E));  // through softplus
            d_bias += g;
            for (int64_t r = 0; r < s.rank; ++r) {
              d_rows[l * columns + r] += g * load(p.dt_weight + (direction * s.rank + r) * s.inner + c);
              accumulate(d_dir + r * s.inner + c, g * row[r]);
            }
          }
          accumulate(d_dir + s.rank * s.inner + c, d_bias);
          for (int n = 0; n < kStates; ++n) accumulate(d_dir + (s.rank + 1 + n) * s.inner + c, d_a[n]);
          accumulate(d_dir + (s.rank + 1 + kStates) * s.inner + c, d_skip);
        }
        for (int64_t i = 0; i < tokens * columns; ++i) d_proj[first * columns + i] = sum(d_rows[i]);
      }
      for (int64_t l = 0; l < tokens; ++l)
        for (int64_t c = 0; c < s.inner; c += kLanes) {
          const int64_t at = (b * tokens + l) * 2 * s.inner + s.inner + c;
          store(d_xz + at, load(d_out + (b * tokens + l) * s.inner + c) * y[(l * s.inner + c) / kLanes] *
                               silu_slope(load(xz + at)));
        }
    }
  });
}

// ---------------------------------------------------------------------------------------------------------------------
// Tensor interface

template <class Body>
void for_type(const at::Tensor& t, Body body) {
  TORCH_CHECK(t.is_contiguous(), "activations must be contiguous");
  if (t.scalar_type() == at::kBFloat16)
    body(at::BFloat16{});
  else if (t.scalar_type() == at::kFloat)
    body(float{});
  else
    TORCH_CHECK(false, "activations must be float32 or bfloat16");
}

using Optional = std::optional<at::Tensor>;

std::vector<at::Tensor> add_rms_norm(const Optional& hidden, const at::Tensor& residual, const at::Tensor& weight, double eps,
                                     bool half) {
  const int64_t dim = residual.size(-1), rows = residual.numel() / dim;
  TORCH_CHECK(dim % kLanes == 0 && residual.is_contiguous(), "the last dimension must be a multiple of 16");
  auto total = at::empty_like(residual), scale = at::empty({rows}, residual.options());
  auto normed = at::empty_like(residual, half ? at::kBFloat16 : at::kFloat);
  for_type(normed, [&](auto zero) {
    using T = decltype(zero);
    add_rms_norm_kernel<T>(hidden ? hidden->data_ptr<T>() : nullptr, residual.data_ptr<float>(), weight.data_ptr<float>(), eps,
                           rows, dim, total.data_ptr<float>(), normed.data_ptr<T>(), scale.data_ptr<float>());
  });
  return {normed, total, scale};
}

std::vector<at::Tensor> add_rms_norm_backward(const at::Tensor& d_normed, const Optional& d_total, const at::Tensor& total,
                                              const at::Tensor& weight, const at::Tensor& scale, bool with_hidden) {
  const int64_t dim = total.size(-1), rows = total.numel() / dim;
  auto d_residual = at::empty_like(total), d_hidden = with_hidden ? at::empty_like(d_normed) : at::Tensor();
  ThreadSums d_weight(dim);
  for_type(d_normed, [&](auto zero) {
    using T = decltype(zero);
    add_rms_norm_backward_kernel<T>(d_normed.data_ptr<T>(), d_total ? d_total->data_ptr<float>() : nullptr,
                                    total.data_ptr<float>(), weight.data_ptr<float>(), scale.data_ptr<float>(), rows, dim,
                                    d_residual.data_ptr<float>(), with_hidden ? d_hidden.data_ptr<T>() : nullptr, d_weight);
  });
  return {d_residual, d_hidden, d_weight.total()};
}

at::Tensor conv_silu(const at::Tensor& xz, const at::Tensor& weight, const at::Tensor& bias) {
  const int64_t batch = xz.size(0), tokens = xz.size(1), inner = xz.size(2) / 2;
  TORCH_CHECK(inner % kLanes == 0 && weight.size(2) == kTaps, "channels must be a multiple of 16 and the taps 4");
  auto out = at::empty({2, batch, tokens, inner}, xz.options());
  const auto taps = weight.transpose(1, 2).contiguous();
  for_type(xz, [&](auto zero) {
    using T = decltype(zero);
    conv_silu_kernel<T>(xz.data_ptr<T>(), taps.data_ptr<float>(), bias.data_ptr<float>(), batch, tokens, inner,
                        out.data_ptr<T>());
  });
  return out;
}

// Writes the first half of d_xz; returns the gradients of weight and bias.
std::vector<at::Tensor> conv_silu_backward(const at::Tensor& d_out, const at::Tensor& xz, const at::Tensor& weight,
                                           const at::Tensor& bias, at::Tensor d_xz) {
  const int64_t batch = xz.size(0), tokens = xz.size(1), inner = xz.size(2) / 2;
  const auto taps = weight.transpose(1, 2).contiguous();
  ThreadSums sums(2 * (kTaps + 1) * inner);
  for_type(d_out, [&](auto zero) {
    using T = decltype(zero);
    conv_silu_backward_kernel<T>(xz.data_ptr<T>(), d_out.data_ptr<T>(), taps.data_ptr<float>(), bias.data_ptr<float>(), batch,
                                 tokens, inner, d_xz.data_ptr<T>(), sums);
  });
  const auto grads = sums.total().view({2, kTaps + 1, inner});
  return {grads.narrow(1, 0, kTaps).transpose(1, 2), grads.select(1, kTaps)};
}

ScanShape scan_shape(const at::Tensor& xz, const at::Tensor& dt_weight) {
  return {xz.size(0), xz.size(1), xz.size(2) / 2, dt_weight.size(2)};
}

at::Tensor scan(const at::Tensor& xz, const at::Tensor& u, const at::Tensor& proj, const at::Tensor& dt_weight,
                const at::Tensor& dt_bias, const at::Tensor& a, const at::Tensor& d) {
  const ScanShape s = scan_shape(xz, dt_weight);
  TORCH_CHECK(a.size(2) == kStates && proj.size(-1) == s.columns() && proj.is_contiguous(), "unexpected shapes");
  const auto w = dt_weight.transpose(1, 2).contiguous(), scaled = (a * kLog2E).transpose(1, 2).contiguous();
  const ScanParams p{w.data_ptr<float>(), dt_bias.data_ptr<float>(), scaled.data_ptr<float>(), d.data_ptr<float>()};
  auto out = at::empty({s.batch, s.tokens, s.inner}, xz.options());
  for_type(xz, [&](auto zero) {
    using T = decltype(zero);
    scan_kernel<T>(s, p, xz.data_ptr<T>(), u.data_ptr<T>(), proj.data_ptr<T>(), out.data_ptr<T>());
  });
  return out;
}

// Writes the second half of d_xz; returns the gradients of u, proj, dt_weight, dt_bias, a and d.
std::vector<at::Tensor> scan_backward(const at::Tensor& d_out, const at::Tensor& xz, const at::Tensor& u,
                                      const at::Tensor& proj, const at::Tensor& dt_weight, const at::Tensor& dt_bias,
                                      const at::Tensor& a, const at::Tensor& d, at::Tensor d_xz) {
  const ScanShape s = scan_shape(xz, dt_weight);
  const auto w = dt_weight.transpose(1, 2).contiguous(), scaled = (a * kLog2E).transpose(1, 2).contiguous();
  const ScanParams p{w.data_ptr<float>(), dt_bias.data_ptr<float>(), scaled.data_ptr<float>(), d.data_ptr<float>()};
  auto d_u = at::empty_like(u), d_proj = at::empty_like(proj);
  const int64_t rows = s.rank + kStates + 2;
  ThreadSums sums(2 * rows * s.inner);
  for_type(d_out, [&](auto zero) {
    using T = decltype(zero);
    scan_backward_kernel<T>(s, p, d_out.data_ptr<T>(), xz.data_ptr<T>(), u.data_ptr<T>(), proj.data_ptr<T>(),
                            d_xz.data_ptr<T>(), d_u.data_ptr<T>(), d_proj.data_ptr<T>(), sums);
  });
  const auto grads = sums.total().view({2, rows, s.inner});
  return {d_u,
          d_proj,
          grads.narrow(1, 0, s.rank).transpose(1, 2),
          grads.select(1, s.rank),
          grads.narrow(1, s.rank + 1, kStates).transpose(1, 2),
          grads.select(1, rows - 1)};
}

}  // namespace

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("add_rms_norm", &add_rms_norm);
  m.def("add_rms_norm_backward", &add_rms_norm_backward);
  m.def("conv_silu", &conv_silu);
  m.def("conv_silu_backward", &conv_silu_backward);
  m.def("scan", &scan);
  m.def("scan_backward", &scan_backward);
}
