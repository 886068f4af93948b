import Files
import Foundation

/// The end of a process that waits for memory which the system refuses.
///
/// The system's queues and OpenBLAS try for ever to start a thread, or to get a buffer, if there is no memory. Nothing
/// tells that apart from work that takes long, except this: memory is refused for six seconds, and in all that time
/// the process hardly runs outside the kernel.
enum MemoryWatch {
  /// Begins to watch this process. It exits with 71 if it waits for memory.
  static func begin() {
    var thread = pthread_t()
    pthread_create(
      &thread, nil,
      { _ in
        var (refusals, computed) = (0, userMicroseconds())
        while true {
          sleep(2)
          // Nothing here may allocate or lock.
          let (size, before) = (1 << 20, computed)
          computed = userMicroseconds()
          let memory = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
          let isRefused = memory == MAP_FAILED
          if !isRefused { munmap(memory, size) }
          refusals = isRefused && computed - before < 200_000 ? refusals + 1 : 0
          guard refusals >= 3 else { continue }
          let message: StaticString =
            "dis-eval: error: OutOfMemory: waits for memory that the system refuses; raise the limit or use less\n"
          _ = write(STDERR_FILENO, message.utf8Start, message.utf8CodeUnitCount)
          _exit(ExitStatus.outOfMemory.rawValue)
        }
      }, nil)
  }
}

/// Returns the time that all threads of this process have run outside the kernel.
private func userMicroseconds() -> Int {
  var usage = rusage()
  getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
  return 1_000_000 * usage.ru_utime.tv_sec + Int(usage.ru_utime.tv_usec)
}
