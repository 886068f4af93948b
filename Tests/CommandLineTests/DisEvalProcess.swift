import Foundation
import Testing
import _TestSupport

/// The command, run as a user runs it.
struct DisEvalProcess {
  let status: Int32
  let output: String
  let errors: String

  /// The repository's root.
  static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// A file of the repository.
  static func file(_ path: String) -> String { root.appendingPathComponent(path).path }

  static let checkpoint = file("scripts/train_demo/fashion-dis.safetensors")
  static let statistics = file("reference_stats/fashion-mnist-train.npz")
  static let extractor = file("reference_stats/fashion-mnist-extractor.safetensors")

  /// Seconds after which a process hangs, as far as anybody can tell: far more than any takes, however
  /// busy the machine is.
  static let patience = 1200.0

  /// The executable that was built together with these tests.
  static let executable = product("dis-eval")

  static func product(_ name: String) -> URL {
    URL(fileURLWithPath: CommandLine.arguments[0])
      .deletingLastPathComponent().appendingPathComponent(name)
  }

  /// Runs the command and waits for it, at most `seconds`: a hang is a failure.
  init(
    _ arguments: String..., environment: [String: String] = [:], standardOutput: String? = nil,
    seconds: Double = Self.patience
  ) throws {
    try self.init(
      arguments, environment: environment, standardOutput: standardOutput, seconds: seconds)
  }

  /// - Parameters:
  ///   - limits: Options of the shell's `ulimit`, such as `-v 400000`.
  ///   - script: Run instead of the command.
  ///   - directory: Where, nil for here.
  init(
    _ arguments: [String], environment: [String: String] = [:], standardOutput: String? = nil,
    limits: String? = nil, seconds: Double = Self.patience, executable: URL = Self.executable,
    in directory: URL? = nil
  ) throws {
    let folder = try TemporaryFolder()
    let (outputPath, errorPath) = (folder.path("out"), folder.path("err"))
    for path in [outputPath, errorPath] { try Data().write(to: URL(fileURLWithPath: path)) }
    let process = Process()
    process.executableURL = executable
    process.arguments = arguments
    if let directory { process.currentDirectoryURL = directory }
    if let limits {
      process.executableURL = URL(fileURLWithPath: "/bin/sh")
      let script = "ulimit \(limits) && exec \"$0\" \"$@\""
      process.arguments = ["-c", script, executable.path] + arguments
    }
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.environment?["SWIFT_BACKTRACE"] = "enable=no"
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle(forWritingAtPath: standardOutput ?? outputPath)
    process.standardError = FileHandle(forWritingAtPath: errorPath)
    let finished = DispatchSemaphore(value: 0)
    process.terminationHandler = { _ in finished.signal() }
    try process.runUnblocked()
    if finished.wait(timeout: .now() + seconds) == .timedOut {
      // A process that waits in a library for ever may hear no other signal.
      kill(process.processIdentifier, SIGKILL)
      Issue.record("dis-eval \(arguments.joined(separator: " ")) did not end")
    }
    process.waitUntilExit()
    status =
      process.terminationReason == .exit
      ? process.terminationStatus : 128 + process.terminationStatus
    output = try String(contentsOfFile: outputPath, encoding: .utf8)
    errors = try String(contentsOfFile: errorPath, encoding: .utf8)
  }

  /// Standard output as a JSON object.
  func json() throws -> [String: Any] {
    try #require(
      try jsonObject(Data(output.utf8)) as? [String: Any],
      "no JSON object: \(output) \(errors)")
  }
}

/// A part of a JSON object, in a form that can be compared.
func canonical(_ value: Any?) throws -> String {
  let object = try #require(value)
  let data = try JSONSerialization.data(
    withJSONObject: object, options: [.sortedKeys, .fragmentsAllowed])
  return String(decoding: data, as: UTF8.self)
}
