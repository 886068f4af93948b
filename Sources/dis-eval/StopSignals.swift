import DisEval
import Files
import Foundation

/// Ends a run on SIGTERM, SIGINT, SIGUSR1 and SIGUSR2 with what is done kept and exit status 75, as
/// schedulers expect that announce an end or a requeue. A second signal ends it at once.
enum StopSignals {
  private static let signals = [SIGTERM, SIGINT, SIGUSR1, SIGUSR2]
  /// The writing end of a pipe: all that a signal handler may do is write to it.
  private nonisolated(unsafe) static var writeEnd: Int32 = -1

  /// Listens from now on.
  static func install(_ request: StopRequest) {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { return }
    let readEnd = ends[0]
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    writeEnd = ends[1]
    let thread = Thread {
      let first = next(readEnd)
      let second = Thread {
        _ = next(readEnd)
        _exit(ExitStatus.interrupted.rawValue)
      }
      second.start()
      Terminal.note("dis-eval: \(first): saving what is being made")
      do {
        try request.stop()
      } catch {
        Terminal.note("dis-eval: error: \(error)")
        _exit((error as? Failure)?.status.rawValue ?? ExitStatus.internalError.rawValue)
      }
      Terminal.note("dis-eval: stopped; the same command continues")
      _exit(ExitStatus.interrupted.rawValue)
    }
    thread.start()
    for signal in signals {
      var action = sigaction()
      action.__sigaction_handler.sa_handler = { number in
        let error = errno
        var byte = UInt8(truncatingIfNeeded: number)
        _ = write(StopSignals.writeEnd, &byte, 1)
        errno = error
      }
      action.sa_flags = SA_RESTART
      sigaction(signal, &action, nil)
    }
  }

  /// Waits for a signal.
  private static func next(_ readEnd: Int32) -> String {
    var byte: UInt8 = 0
    while read(readEnd, &byte, 1) < 0, errno == EINTR {}
    switch Int32(byte) {
    case SIGTERM: return "SIGTERM"
    case SIGINT: return "SIGINT"
    case SIGUSR1: return "SIGUSR1"
    default: return "SIGUSR2"
    }
  }
}
