#ifndef DIS_PACKED_RANGES_H
#define DIS_PACKED_RANGES_H

// The requirements of the functions of dis_packed.h on their arguments.

#include "../fourier/fourier.h"
#include "layout.h"

#include <assert.h>
#include <stdint.h>

/// Returns whether the fields of a convolution are consistent. Its strides are not checked.
static inline bool dis_convolution_is_valid(const dis_packed_convolution *c) {
  const dis_window w = c->window;
  if (!dis_window_is_valid(w) || c->inputs < 1 || c->outputs < 1) return false;
  if (c->doubled && (w.height % 2 != 0 || w.width % 2 != 0)) return false;
  return c->precision == DIS_FLOAT32 || c->method == DIS_DIRECT || c->method == DIS_FOURIER_7;
}

/// Returns whether these instructions support the method and the precision of a convolution.
static inline bool dis_convolution_is_for(
    enum dis_instructions instructions, const dis_packed_convolution *c) {
  return dis_method_applies(instructions, c->method, c->window) &&
         (c->precision == DIS_FLOAT32 || dis_bfloat16_instructions(instructions) == instructions);
}

/// Returns whether whole groups of channels can be written, and be read by the methods that do so.
static inline bool dis_strides_are_valid(const dis_packed_convolution *c) {
  const size_t read = c->method == DIS_DIRECT ? c->inputs : dis_round_up(c->inputs, DIS_CHANNELS);
  return c->in_stride >= read && c->out_stride >= dis_round_up(c->outputs, DIS_CHANNELS);
}

/// Returns whether the image consists of lines of DIS_FOURIER_LINE pixels, if the method requires
/// it.
static inline bool dis_lines_are_valid(const dis_packed_convolution *c) {
  const size_t line = c->window.kernel_width > 1 ? c->window.width : c->window.height;
  return c->method != DIS_FOURIER_7 || line == DIS_FOURIER_LINE;
}

static inline bool dis_is_aligned(const float *values) { return (uintptr_t)values % 64 == 0; }

/// Returns whether the channels of a pool are whole groups and its pixels do not overlap.
static inline bool dis_pool_is_valid(
    size_t out_stride, size_t in_stride, size_t channels, dis_window window) {
  return dis_window_is_valid(window) && channels % DIS_CHANNELS == 0 &&
         out_stride % DIS_CHANNELS == 0 && in_stride % DIS_CHANNELS == 0 &&
         out_stride >= channels && in_stride >= channels;
}

#endif
