import Foundation
import Testing
import _TestSupport

/// What is said when a signal ends a command that keeps nothing.
@Suite("Signals without a run", .blocking) struct StopAdviceTests {
  @Test(arguments: [SIGINT, SIGTERM])
  func theAdviceIsARun(signal: Int32) throws {
    let folder = try TemporaryFolder()
    let path = folder.path("errors")
    try Data().write(to: URL(fileURLWithPath: path))
    let process = Process()
    process.executableURL = DisEvalProcess.executable
    process.arguments = [
      "fid", "--ckpt", DisEvalProcess.checkpoint, "--ref", DisEvalProcess.statistics, "--num",
      "2000",
    ]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle(forWritingAtPath: path)
    // The process inherits the mask. A thread that blocks the signal must be able to end it, too.
    var mask = sigset_t()
    var before = sigset_t()
    sigemptyset(&mask)
    sigaddset(&mask, signal)
    pthread_sigmask(SIG_BLOCK, &mask, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    try process.run()
    while process.isRunning, !Self.catches(signal, process.processIdentifier) {
      Thread.sleep(forTimeInterval: 0.01)
    }
    kill(process.processIdentifier, signal)
    process.waitUntilExit()
    #expect(process.terminationReason == .uncaughtSignal && process.terminationStatus == signal)
    let text = try String(contentsOfFile: path, encoding: .utf8)
    #expect(text.contains("nothing was saved; use --run FOLDER"), "\(text)")
  }

  /// Whether a process has a handler for the signal, by its mask in `/proc`.
  private static func catches(_ signal: Int32, _ process: Int32) -> Bool {
    let status = (try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("SigCgt:") }
    let mask = line.flatMap {
      UInt64($0.dropFirst(7).trimmingCharacters(in: .whitespaces), radix: 16)
    }
    return mask.map { $0 & 1 << (UInt64(signal) - 1) != 0 } ?? false
  }
}
