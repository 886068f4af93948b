#include "dis_memory.h"

#if defined(__linux__)
#include <malloc.h>
#endif

void dis_keep_freed_memory(void) {
#if defined(__GLIBC__)
  mallopt(M_MMAP_THRESHOLD, 32 << 20);  // The largest accepted value.
  mallopt(M_TRIM_THRESHOLD, 256 << 20);
  mallopt(M_ARENA_MAX, 1);  // Additional arenas return a whole heap of 64 MiB whenever it is empty.
#endif
}
