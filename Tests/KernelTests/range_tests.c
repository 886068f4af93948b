#include "kernel_tests.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

// What the functions refuse. Each call is right except for one argument, and is made in a process
// of its own, which must not return from it.

static float values[1 << 16] __attribute__((aligned(64)));
static float out[1 << 16] __attribute__((aligned(64)));
static const double gain[] = {1};

/// 3 x 3 over 5 x 4 pixels.
static const dis_window window = {5, 4, 3, 3, 1, 1, 1, 5, 4};

static void im2col(dis_window w) { dis_im2col(out, values, 1, w, 0, 1); }

static void too_many_rows(void) { dis_im2col(out, values, 1, window, 3, 3); }

static void no_stride(void) {
  dis_window w = window;
  w.stride = 0;
  im2col(w);
}

static void padding_of_a_kernel(void) { im2col((dis_window){5, 4, 3, 3, 1, 3, 1, 9, 4}); }

static void kernel_larger_than_image(void) { im2col((dis_window){5, 1, 3, 3, 1, 1, 0, 5, 1}); }

static void other_output(void) {
  dis_window w = window;
  w.out_width = 5;
  dis_max_pool(out, values, 1, w);
}

static void no_image(void) {
  dis_average_pool(out, values, 1, (dis_window){0, 4, 3, 3, 1, 2, 1, 2, 4});
}

static void bias_stride(void) { dis_add_bias(out, values, 2, 3, 2, false); }

static void convolution_stride(void) {
  dis_causal_conv1d_silu(DIS_SCALAR, out, values, 2, values, values, 2, 3, 0, 0);
}

static void scan_stride(void) {
  dis_selective_scan(
      DIS_SCALAR, out, values, values, values, values, values, DIS_STATES - 1, values, values, out,
      1, 1, 0, 0);
}

static void gate_stride(void) { dis_silu_gate(DIS_SCALAR, out, values, 2, 2, 3); }

static void no_such_instructions(void) {
  dis_silu((enum dis_instructions)DIS_INSTRUCTION_SETS, out, 1);
}

static void no_columns(void) { dis_rms_norm(out, values, values, 1, 0, 1e-5f); }

static void negative_epsilon(void) {
  dis_layer_norm(DIS_SCALAR, out, values, NULL, NULL, 1, 2, -1);
}

static void no_heads(void) { dis_attention(DIS_SCALAR, out, values, 1, 0, 1, DIS_FLOAT32, NULL); }

static void no_channels(void) { dis_attention_scratch(DIS_SCALAR, 1, 0, DIS_FLOAT32); }

static void no_scale(void) { dis_softmax(out, 1, 2, 0); }

static void no_divisor(void) {
  dis_group_norm(DIS_SCALAR, out, values, values, values, 1, 6, 4, 1e-6, false);
}

static void no_pixels(void) {
  dis_group_norm(DIS_SCALAR, out, values, values, values, 0, 6, 3, 1e-6, false);
}

static void too_many_channels(void) {
  dis_group_norm(
      DIS_SCALAR, out, values, values, values, 1, DIS_GROUP_NORM_CHANNELS + 1, 1, 1e-6, false);
}

static const dis_packed_convolution packed = {
    .window = {5, 4, 3, 3, 1, 1, 1, 5, 4}, .inputs = 1, .outputs = 1, .in_stride = DIS_CHANNELS,
    .out_stride = DIS_CHANNELS};

static void convolve(dis_packed_convolution c) {
  dis_convolve_packed(DIS_SCALAR, out, values, values, values, &c, NULL);
}

static void no_inputs(void) {
  dis_packed_convolution c = packed;
  c.inputs = 0;
  dis_packed_count(&c);
}

static void method_of_another_window(void) {
  dis_packed_convolution c = packed;
  c.method = DIS_FOURIER_7;
  dis_pack(DIS_SCALAR, out, values, gain, &c);
}

static void precision_of_another_method(void) {
  dis_packed_convolution c = packed;
  c.method = DIS_WINOGRAD;
  c.precision = DIS_BFLOAT16;
  dis_packed_scratch(DIS_SCALAR, &c);
}

static void in_stride(void) {
  dis_packed_convolution c = packed;
  c.inputs = DIS_CHANNELS + 1;
  convolve(c);
}

static void out_stride(void) {
  dis_packed_convolution c = packed;
  c.out_stride = 1;
  convolve(c);
}

static void half_a_pixel(void) {
  dis_packed_convolution c = packed;
  c.doubled = true;
  convolve(c);
}

static void part_of_a_group(void) {
  dis_max_pool_packed(DIS_SCALAR, out, DIS_CHANNELS, values, DIS_CHANNELS, 3, window);
}

static void pool_stride(void) {
  dis_average_pool_packed(
      DIS_SCALAR, out, DIS_CHANNELS, values, DIS_CHANNELS, NULL, 2 * DIS_CHANNELS, window);
}

#define CALL(function) {#function, function}

static const struct {
  const char *name;
  void (*call)(void);
} calls[] = {
    CALL(too_many_rows), CALL(no_stride), CALL(padding_of_a_kernel),
    CALL(kernel_larger_than_image), CALL(other_output), CALL(no_image), CALL(bias_stride),
    CALL(convolution_stride), CALL(scan_stride), CALL(gate_stride), CALL(no_such_instructions),
    CALL(no_columns), CALL(negative_epsilon), CALL(no_scale), CALL(no_divisor), CALL(no_pixels),
    CALL(too_many_channels), CALL(no_inputs), CALL(method_of_another_window),
    CALL(precision_of_another_method), CALL(in_stride), CALL(out_stride), CALL(half_a_pixel),
    CALL(part_of_a_group), CALL(pool_stride), CALL(no_heads), CALL(no_channels),
};

/// The process of a call, which dies where the call is refused.
static pid_t begin(void) {
  const pid_t child = fork();
  if (child == 0) {
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    close(STDERR_FILENO);
  }
  return child;
}

static bool is_refused(pid_t child) {
  int status = 0;
  return child > 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
         WTERMSIG(status) == SIGABRT;
}

static void test_ranges(enum dis_instructions none, outcome *found) {
  (void)none;
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    const pid_t child = begin();
    if (child == 0) {
      calls[i].call();
      _exit(0);
    }
    expect(found, is_refused(child), calls[i].name);
  }
}

/// The alignment that vector kernels need, and the ranges of methods that they alone have.
static void test_vector_ranges(enum dis_instructions instructions, outcome *found) {
  dis_packed_convolution c[] = {packed, packed, packed, packed};
  c[2].method = DIS_WINOGRAD;
  c[2].in_stride = 1;
  c[3].method = DIS_FOURIER_7;
  c[3].window = (dis_window){1, 16, 1, 7, 1, 0, 3, 1, 16};
  for (int i = 0; i < 4; i++) {
    const pid_t child = begin();
    if (child == 0) {
      dis_convolve_packed(
          instructions, out, values, values + (i == 0), values, &c[i], out + (i == 1));
      _exit(0);
    }
    expect(found, is_refused(child), "alignment, stride or line is not checked");
  }
  const pid_t child = begin();
  if (child == 0) {
    dis_attention(instructions, out, values, 1, 1, 1, DIS_FLOAT32, out + 1);
    _exit(0);
  }
  expect(found, is_refused(child), "alignment is not checked");
}

const test range_tests[] = {
    {"what is out of range", ONCE, test_ranges},
    {"what is out of range for vectors", VECTORS, test_vector_ranges},
    {0},
};
