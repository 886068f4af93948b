#include "dis_packed.h"

bool dis_method_applies(
    enum dis_instructions instructions, enum dis_method method, dis_window w) {
  if (instructions == DIS_SCALAR) return method == DIS_DIRECT;
  switch (method) {
    case DIS_DIRECT: return true;
    case DIS_WINOGRAD: {
      const size_t rows = w.kernel_height, columns = w.kernel_width;
      return w.stride == 1 && ((rows == columns && (rows == 3 || rows == 5)) ||
                               (rows == 1 && columns == 3) || (rows == 3 && columns == 1));
    }
    case DIS_WINOGRAD_2:
    case DIS_WINOGRAD_COMPACT:
      return w.stride == 1 && w.kernel_height == 3 && w.kernel_width == 3;
    case DIS_WINOGRAD_HALVING:
      return w.stride == 2 && w.kernel_height == 3 && w.kernel_width == 3;
    case DIS_FOURIER_7:
      return w.stride == 1 && w.kernel_height + w.kernel_width == 8 &&
             w.padding_height == w.kernel_height / 2 && w.padding_width == w.kernel_width / 2 &&
             (w.kernel_width == 7 || w.kernel_height == 7);
  }
  return false;
}

enum dis_instructions dis_bfloat16_instructions(enum dis_instructions instructions) {
#if defined(__x86_64__)
  if (instructions == DIS_AVX512 && !__builtin_cpu_supports("avx512bf16")) return DIS_AVX2;
#endif
  return instructions;
}
