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
