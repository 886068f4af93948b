// Tells the thread sanitizer what Swift's Mutex does when threads compete for one. Preloaded by
// scripts/test-sanitizers.
//
// The common case of `lock` and `unlock` is an atomic operation in our own code, which the sanitizer sees.
// If another thread holds or wants the lock, Swift calls these functions of its library, which has no
// sanitizer. Without the announcements below, all that such a lock protects would be reported as a race.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>

// Absent in processes without the sanitizer, such as the shell and Python.
__attribute__((weak)) void __tsan_acquire(void *address);
__attribute__((weak)) void __tsan_release(void *address);

#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"
#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *mutex

SWIFT void lock(uint32_t thread, SELF) __asm__(LOCK);
SWIFT void unlock(SELF) __asm__(UNLOCK);

SWIFT void lock(uint32_t thread, SELF) {
  ((SWIFT void (*)(uint32_t, SELF))dlsym(RTLD_NEXT, LOCK))(thread, mutex);
  if (__tsan_acquire) __tsan_acquire(mutex);
}

SWIFT void unlock(SELF) {
  if (__tsan_release) __tsan_release(mutex);
  ((SWIFT void (*)(SELF))dlsym(RTLD_NEXT, UNLOCK))(mutex);
}
