import DisEval
import Files
import Foundation

/// The handling of signals during long work.
enum StopSignals {
  /// The write end of a pipe. Signal handlers only write to it.
  private nonisolated(unsafe) static var writeEnd: Int32 = -1

  /// Saves the progress of a run on SIGTERM, SIGINT, SIGHUP, SIGUSR1 and SIGUSR2, and exits with 75.
  /// Schedulers send these signals before they end or requeue a job. A second signal ends the
  /// process at once. Generators get SIGTERM.
  static func install(_ request: StopRequest) {
    listen(to: [SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2]) { number, readEnd in
      let second = Thread {
        _ = next(readEnd)
        GeneratorProgram.endAll(within: 0)
        AtomicFile.withoutUnfinished { _exit(ExitStatus.interrupted.rawValue) }
      }
      second.start()
      Terminal.note("dis-eval: \(name(number)): saving unfinished work")
      let hadBegun: Bool
      do {
        hadBegun = try request.stop()
      } catch {
        Terminal.note("dis-eval: error: \(namingOptions("\(error)"))")
        GeneratorProgram.endAll(within: 5)
        let status = (error as? Failure)?.status ?? .internalError
        AtomicFile.withoutUnfinished { _exit(status.rawValue) }
      }
      Terminal.note(
        hadBegun
          ? "dis-eval: stopped; run the same command to continue"
          : "dis-eval: stopped before any sample was computed")
      GeneratorProgram.endAll(within: 5)
      AtomicFile.withoutUnfinished { _exit(ExitStatus.interrupted.rawValue) }
    }
  }

  /// On SIGINT, SIGTERM or SIGHUP, removes unfinished files and then lets the signal end the process.
  static func installCleaning() {
    listen(to: [SIGINT, SIGTERM, SIGHUP]) { number, _ in end(by: number) }
  }

  private static func end(by number: Int32) -> Never {
    GeneratorProgram.endAll(within: 5)
    AtomicFile.withoutUnfinished {
      signal(number, SIG_DFL)
      // Threads of Dispatch block signals, and the main thread does while it returns from a handler. A
      // signal to this thread, which does not block it, arrives before `raise` returns.
      var own = sigset_t()
      sigemptyset(&own)
      sigaddset(&own, number)
      pthread_sigmask(SIG_UNBLOCK, &own, nil)
      raise(number)
      _exit(128 + number)
    }
  }

  /// On SIGINT, SIGTERM or SIGHUP, reports that nothing was saved and how to save progress the next time,
  /// and then lets the signal end the process.
  static func installAdvice() {
    listen(to: [SIGINT, SIGTERM, SIGHUP]) { number, _ in
      Terminal.note(
        "dis-eval: stopped, and nothing was saved; use --run FOLDER to be able to continue")
      end(by: number)
    }
  }

  /// Calls `act` with the first of these signals, on a separate thread.
  private static func listen(
    to signals: [Int32], _ act: @escaping @Sendable (_ number: Int32, _ readEnd: Int32) -> Void
  ) {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { return }
    let readEnd = ends[0]
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    writeEnd = ends[1]
    Thread { act(next(readEnd), readEnd) }.start()
    for number in signals where number != SIGHUP || !isIgnored(number) {
      var action = sigaction()
      action.__sigaction_handler.sa_handler = { number in
        let error = errno
        var byte = UInt8(truncatingIfNeeded: number)
        _ = write(StopSignals.writeEnd, &byte, 1)
        errno = error
      }
      action.sa_flags = SA_RESTART
      sigaction(number, &action, nil)
    }
  }

  /// Returns whether the parent of this process ignored a signal, as `nohup` does.
  private static func isIgnored(_ number: Int32) -> Bool {
    var action = sigaction()
    guard sigaction(number, nil, &action) == 0 else { return false }
    return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
      == unsafeBitCast(SIG_IGN, to: Int.self)
  }

  /// Waits for a signal and returns its number.
  private static func next(_ readEnd: Int32) -> Int32 {
    var byte: UInt8 = 0
    while read(readEnd, &byte, 1) < 0, errno == EINTR {}
    return Int32(byte)
  }

  private static func name(_ number: Int32) -> String {
    switch number {
    case SIGTERM: "SIGTERM"
    case SIGINT: "SIGINT"
    case SIGHUP: "SIGHUP"
    case SIGUSR1: "SIGUSR1"
    default: "SIGUSR2"
    }
  }
}
