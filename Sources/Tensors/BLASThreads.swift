import CLAPACK
import Foundation

// The last bits of a product or a factorisation depend on OpenBLAS's number of threads, and that
// number belongs to the process. So each call fixes it, whatever the user or the machine offers, and
// a change waits for the calls that are running.

/// Held for reading by calls on one thread, for writing while the number is another.
private nonisolated(unsafe) let gate: UnsafeMutablePointer<pthread_rwlock_t> = {
  openblas_set_num_threads(1)
  var attributes = pthread_rwlockattr_t()
  pthread_rwlockattr_init(&attributes)
  // Workers that never rest must not keep a factorisation waiting for ever.
  pthread_rwlockattr_setkind_np(
    &attributes, Int32(PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP))
  let gate = UnsafeMutablePointer<pthread_rwlock_t>.allocate(capacity: 1)
  pthread_rwlock_init(gate, &attributes)
  return gate
}()

/// Runs `body`, which calls OpenBLAS, on the calling thread alone. Any number of threads may do so at
/// a time.
func withOneBLASThread<Result>(_ body: () -> Result) -> Result {
  pthread_rwlock_rdlock(gate)
  defer { pthread_rwlock_unlock(gate) }
  return body()
}

/// Runs `body` with OpenBLAS set to `count` threads, while no other call to it runs. `body` must not
/// call this function or ``withOneBLASThread(_:)``.
package func withBLASThreads<Result>(_ count: Int32, _ body: () -> Result) -> Result {
  pthread_rwlock_wrlock(gate)
  defer { pthread_rwlock_unlock(gate) }
  openblas_set_num_threads(count)
  defer { openblas_set_num_threads(1) }
  return body()
}

/// Makes sure that OpenBLAS finds memory when `callers` threads call it.
///
/// It allocates a buffer for every thread that calls it, and tries again for ever when it gets none.
/// So the memory is asked for here first, and given back.
///
/// - Parameter callers: Threads that will call it at the same time.
/// - Returns: Whether there is memory for all of them.
package func prepareLinearAlgebra(callers: Int) -> Bool {
  let bufferSize = 128 << 20  // BUFFER_SIZE of OpenBLAS's x86-64 build
  let size = (callers + 1) * (bufferSize + (1 << 20))
  let memory = mmap(
    nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
  guard let memory, memory != MAP_FAILED else { return false }
  munmap(memory, size)
  return true
}
