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
      let hadBegun: Bool
      do {
        hadBegun = try request.stop()
      } catch {
        Terminal.note("dis-eval: error: \(error)")
        _exit((error as? Failure)?.status.rawValue ?? ExitStatus.internalError.rawValue)
      }
      Terminal.note(
        hadBegun
          ? "dis-eval: stopped; the same command continues"
          : "dis-eval: stopped before the first sample; nothing was checked to the end")
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

  /// Says how the work could have been continued when SIGINT or SIGTERM ends a command that keeps nothing,
  /// and then lets the signal end it.
  static func installAdvice() {
    var set = sigset_t()
    sigemptyset(&set)
    for number in [SIGINT, SIGTERM] { sigaddset(&set, number) }
    // All threads that begin from now on leave the signals to the one that waits for them.
    pthread_sigmask(SIG_BLOCK, &set, nil)
    let signals = set
    Thread {
      var (waited, number) = (signals, Int32(0))
      sigwait(&waited, &number)
      Terminal.note(
        "dis-eval: stopped, and nothing was kept; with --run FOLDER the same command would have continued"
      )
      signal(number, SIG_DFL)
      pthread_sigmask(SIG_UNBLOCK, &waited, nil)
      kill(getpid(), number)
    }.start()
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
