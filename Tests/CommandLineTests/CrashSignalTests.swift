import Foundation
import Testing
import _TestSupport

/// A process that cannot go on ends with a documented status.
@Suite("Signals of a failed program", .blocking) struct CrashSignalTests {
  @Test(arguments: [SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP])
  func theStatusIsThatOfAnInternalError(signal: Int32) throws {
    let folder = try TemporaryFolder()
    let path = folder.path("errors")
    try Data().write(to: URL(fileURLWithPath: path))
    let process = Process()
    process.executableURL = DisEvalProcess.executable
    process.arguments = [
      "fid", "--ckpt", DisEvalProcess.checkpoint, "--ref", DisEvalProcess.statistics, "--num",
      "2000", "--out", folder.path("result.json"),
    ]
    process.environment = ProcessInfo.processInfo.environment.merging(
      ["SWIFT_BACKTRACE": "enable=no"]
    ) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle(forWritingAtPath: path)
    try process.run()
    process.waitForWork(seconds: 0.5)
    kill(process.processIdentifier, signal)
    process.waitUntilExit()
    let errors = try String(contentsOfFile: path, encoding: .utf8)
    #expect(process.terminationReason == .exit && process.terminationStatus == 70, "\(errors)")
    #expect(errors.contains("error: Internal: the program failed"), "\(errors)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["errors"])
  }

  @Test("few open files are refused or enough", arguments: 4...17)
  func fewDescriptors(limit: Int) throws {
    let run = try DisEvalProcess(
      ["inspect", DisEvalProcess.checkpoint], limits: "-n \(limit)")
    #expect(run.status == (limit < 16 ? 74 : 0), "\(run.errors)")
    if limit < 16 { #expect(run.errors.contains("ulimit -n \(limit)"), "\(run.errors)") }
  }
}
