#if canImport(Glibc)
  import Glibc
#endif
import Foundation

/// Checks that the system grants that much memory, before an amount that an input asks for is allocated.
///
/// Swift ends the process if an allocation fails, so the request is made of the C library first, which
/// reports a limit of the process (`ulimit -v`) or more than the machine can ever have. Amounts below 16
/// MiB are not checked.
///
/// - Parameters:
///   - bytes: The amount, at least 0.
///   - subject: What asks for it, for the message.
/// - Throws: ``Failure`` `OutOfMemory` (71) if the system refuses it.
package func checkMemory(_ bytes: Int, _ subject: String) throws(Failure) {
  guard bytes >= 16 << 20 else { return }
  let pages = sysconf(Int32(_SC_PHYS_PAGES)), pageSize = sysconf(Int32(_SC_PAGESIZE))
  let physical = pages > 0 && pageSize > 0 ? pages * pageSize : .max
  let memory = bytes <= physical ? malloc(bytes) : nil
  guard let memory else {
    throw Failure(
      .outOfMemory, .outOfMemory, subject,
      "\(bytes >> 20) MiB of memory are needed, and the system refuses them")
  }
  free(memory)
}

/// Checks that a limit on the address space (`ulimit -v`) leaves room for threads.
///
/// The system's queues and OpenBLAS wait for ever if they cannot start a thread or get its memory.
///
/// - Throws: ``Failure`` `OutOfMemory` (71) if less than 256 MiB are left.
package func checkAddressSpace() throws(Failure) {
  var limit = rlimit()
  guard getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0,
    limit.rlim_cur != rlim_t.max,
    let statistics = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8),
    let pages = statistics.split(separator: " ").first.flatMap({ UInt($0) })
  else { return }
  let (used, least) = (pages * UInt(sysconf(Int32(_SC_PAGESIZE))), UInt(256 << 20))
  guard limit.rlim_cur >= used + least else {
    throw Failure(
      .outOfMemory, .outOfMemory, "ulimit -v \(limit.rlim_cur >> 10)",
      "\(used >> 20) MiB of address space are used, and at least \(least >> 20) more are needed; raise "
        + "the limit")
  }
}

/// Checks that the limit on open files (`ulimit -n`) leaves some for the system's queues, which end the
/// process if they cannot open theirs.
///
/// - Throws: ``Failure`` `InputOutput` (74) if fewer than 16 may be open.
package func checkDescriptors() throws(Failure) {
  var limit = rlimit()
  guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur < 16
  else { return }
  throw Failure(
    .inputOutput, .inputOutput, "ulimit -n \(limit.rlim_cur)",
    "at most \(limit.rlim_cur) files may be open, and at least 16 are needed; raise the limit")
}

/// Checks that the system starts threads. Its queues try for ever if it does not, for example because of a
/// limit on processes (`ulimit -u`).
///
/// - Throws: ``Failure`` `OutOfMemory` (71) if eight threads cannot run at the same time.
package func checkThreads() throws(Failure) {
  let count = 8
  let gate = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  pthread_mutex_init(gate, nil)
  pthread_mutex_lock(gate)
  var (started, error): ([pthread_t], Int32) = ([], 0)
  while started.count < count, error == 0 {
    var thread = pthread_t()
    error = pthread_create(
      &thread, nil,
      { gate in
        let gate = gate?.assumingMemoryBound(to: pthread_mutex_t.self)
        if let gate {
          pthread_mutex_lock(gate)
          pthread_mutex_unlock(gate)
        }
        return nil
      }, gate)
    if error == 0 { started.append(thread) }
  }
  pthread_mutex_unlock(gate)
  for thread in started { pthread_join(thread, nil) }
  pthread_mutex_destroy(gate)
  gate.deallocate()
  guard error == 0 else {
    throw Failure(
      .outOfMemory, .outOfMemory, "threads",
      "the system starts only \(started.count) of \(count) (\(String(cString: strerror(error)))); raise "
        + "the limits on memory and processes, such as 'ulimit -u'")
  }
}
