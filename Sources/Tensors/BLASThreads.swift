import CLAPACK
import Foundation

// The last bits of a product or a factorisation depend on OpenBLAS's number of threads, which is a
// property of the process. Each call therefore sets this number, whatever the user or the machine
// provides, and a change waits until the running calls have finished.

/// Held for reading by calls on one thread, and for writing while the number of threads differs
/// from one.
private nonisolated(unsafe) let gate: UnsafeMutablePointer<pthread_rwlock_t> = {
  openblas_set_num_threads(1)
  var attributes = pthread_rwlockattr_t()
  pthread_rwlockattr_init(&attributes)
  // Workers that call continuously must not delay a factorisation forever.
  pthread_rwlockattr_setkind_np(
    &attributes, Int32(PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP))
  let gate = UnsafeMutablePointer<pthread_rwlock_t>.allocate(capacity: 1)
  pthread_rwlock_init(gate, &attributes)
  return gate
}()

/// Runs `body`, which calls OpenBLAS, with OpenBLAS set to one thread. Any number of threads may do
/// so at the same time.
func withOneBLASThread<Result>(_ body: () -> Result) -> Result {
  pthread_rwlock_rdlock(gate)
  defer { pthread_rwlock_unlock(gate) }
  return body()
}

/// Runs `body` with OpenBLAS set to some number of threads, while no other call to OpenBLAS runs.
///
/// - Parameters:
///   - count: The number of threads of OpenBLAS during the call, at least 1.
///   - body: The work. It must not call this function or ``withOneBLASThread(_:)``.
package func withBLASThreads<Result>(_ count: Int32, _ body: () -> Result) -> Result {
  pthread_rwlock_wrlock(gate)
  defer { pthread_rwlock_unlock(gate) }
  openblas_set_num_threads(count)
  defer { openblas_set_num_threads(1) }
  return body()
}

/// Checks that OpenBLAS finds memory when `callers` threads call it.
///
/// OpenBLAS allocates a buffer for every calling thread, and retries forever if it gets none. The
/// memory is therefore requested here first, and returned.
///
/// - Parameter callers: The number of threads that will call OpenBLAS at the same time.
/// - Returns: Whether there is enough memory for all of them.
package func prepareLinearAlgebra(callers: Int) -> Bool {
  let bufferSize = 128 << 20  // BUFFER_SIZE of OpenBLAS's x86-64 build
  let size = (callers + 1) * (bufferSize + (1 << 20))
  let memory = mmap(
    nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
  guard let memory, memory != MAP_FAILED else { return false }
  munmap(memory, size)
  return true
}
