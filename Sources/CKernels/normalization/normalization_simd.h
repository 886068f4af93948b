// Normalisation of images laid out [pixels, channels]; a lane is a channel. Part of mamba_simd.h.

typedef double doubles __attribute__((vector_size(DIS_LANES * 8)));

void DIS_KERNEL(channel_moments)(
    double *sums, double *squares, const float *x, const float *origin, size_t pixels,
    size_t channels) {
  for (size_t p = 0; p < pixels; p++, x += channels) {
    for (size_t c = 0; c < channels; c += DIS_LANES) {
      const size_t lanes = channels - c < DIS_LANES ? channels - c : DIS_LANES;
      const doubles d = __builtin_convertvector(load(x + c, lanes), doubles) -
                        __builtin_convertvector(load(origin + c, lanes), doubles);
      doubles sum = {0}, square = {0};
      memcpy(&sum, sums + c, lanes * sizeof *sums);
      memcpy(&square, squares + c, lanes * sizeof *squares);
      sum += d;
      square += d * d;
      memcpy(sums + c, &sum, lanes * sizeof *sums);
      memcpy(squares + c, &square, lanes * sizeof *squares);
    }
  }
}

void DIS_KERNEL(normalize_channels)(
    float *out, const float *x, const float *center, const float *scale, const float *shift,
    size_t pixels, size_t channels, bool apply_silu) {
  for (size_t p = 0; p < pixels; p++, x += channels, out += channels) {
    for (size_t c = 0; c < channels; c += DIS_LANES) {
      const size_t lanes = channels - c < DIS_LANES ? channels - c : DIS_LANES;
      const vector centered = load(x + c, lanes) - load(center + c, lanes);
      const vector y = MULTIPLY_ADD(centered, load(scale + c, lanes), load(shift + c, lanes));
      store(out + c, apply_silu ? silu(y) : y, lanes);
    }
  }
}
