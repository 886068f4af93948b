import Files
import Foundation

/// The signals by which the Swift runtime, the C library and the processor end a process that cannot go on.
enum CrashSignals {
  /// Makes the process exit when it receives one of these signals: with 71 if the system has no memory,
  /// and with 70 otherwise. Scripts then see a documented status instead of one of 128 or above. No file is
  /// left half-written, because files appear only when they are complete.
  ///
  /// Signals that a debugger, a sanitizer or the backtraces of Swift's runtime already handle are theirs.
  static func install() {
    for number in [SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP] {
      var action = sigaction()
      guard sigaction(number, nil, &action) == 0,
        unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
          == unsafeBitCast(SIG_DFL, to: Int.self)
      else { continue }
      action.__sigaction_handler.sa_handler = { number in
        // Nothing here may allocate or lock. Asking the system for memory shows whether it has any.
        let size = 256 << 20
        let memory = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        let hasMemory = memory != MAP_FAILED
        let message: StaticString =
          hasMemory
          ? "dis-eval: error: Internal: the program failed and cannot go on; please report this\n"
          : "dis-eval: error: OutOfMemory: the system refuses memory; raise the limit or use less\n"
        _ = write(STDERR_FILENO, message.utf8Start, message.utf8CodeUnitCount)
        _exit((hasMemory ? ExitStatus.internalError : .outOfMemory).rawValue)
      }
      action.sa_flags = 0
      sigaction(number, &action, nil)
    }
  }
}
