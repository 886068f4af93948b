/// The reason a command ends, as an exit status. The values follow sysexits(3), because schedulers
/// and CI systems act on the numbers.
public enum ExitStatus: Int32, Sendable {
  /// The gate found the result worse. Nothing else exits with 1.
  case worse = 1
  /// The gate cannot decide.
  case inconclusive = 3
  /// The command line is wrong.
  case usage = 64
  /// Input data are refused because they are malformed, hostile or mismatched.
  case dataRefused = 65
  /// An input is missing.
  case inputMissing = 66
  /// Something required is unavailable, such as weights while offline.
  case unavailable = 69
  /// A bug in this program.
  case internalError = 70
  /// The work would exceed the memory budget, or the system could not provide memory.
  case outOfMemory = 71
  /// An output cannot be created.
  case cannotCreate = 73
  /// Reading or writing failed: the disk is full, a device failed, or standard output was lost.
  case inputOutput = 74
  /// The process was stopped by a signal and saved its progress; run it again to continue.
  case interrupted = 75
  /// Permission denied.
  case permissionDenied = 77
  /// A configuration file is invalid.
  case invalidConfiguration = 78
}

/// An error that names what it concerns, what was found and what was expected.
///
/// All modules that handle external input and output use this type. Tests match ``code``.
public struct Failure: Error, Equatable, Sendable, CustomStringConvertible {
  /// The exit status of the process.
  public let status: ExitStatus
  /// The kind of failure.
  public let code: Code
  /// The file, tensor or option that caused the failure.
  public let subject: String
  /// What was found, what was expected, and what to do about it.
  public let detail: String

  /// A kind of failure, by a stable name.
  public struct Code: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The name in UpperCamelCase, such as `ZipOverlap`.
    public let rawValue: String

    /// Creates the kind with the given name.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// Creates the kind with the given name.
    package init(_ name: String) { rawValue = name }

    /// The name.
    public var description: String { rawValue }
  }

  /// Creates a failure from its kind and what it says.
  ///
  /// - Parameters:
  ///   - status: The exit status of the process.
  ///   - code: The kind of failure.
  ///   - subject: The file, tensor or option that caused the failure.
  ///   - detail: What was found, what was expected, and what to do about it.
  public init(_ status: ExitStatus, _ code: Code, _ subject: String, _ detail: String) {
    self.status = status
    self.code = code
    self.subject = subject
    self.detail = detail
  }

  /// The failure as one line for a terminal, with control characters escaped.
  public var description: String { "\(code): '\(escaped(subject))': \(escaped(detail))" }
}

/// Returns `text` with control characters and bidirectional formatting characters escaped, so that
/// a hostile name cannot manipulate a terminal or a log.
package func escaped(_ text: String) -> String {
  var result = ""
  for scalar in text.unicodeScalars {
    switch scalar.value {
    case 0x20...0x7e: result.unicodeScalars.append(scalar)
    case 0...0x1f, 0x7f...0x9f, 0x200e...0x200f, 0x202a...0x202e, 0x2066...0x2069:
      result += "\\u{\(String(scalar.value, radix: 16))}"
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result
}

extension Failure {
  /// Returns the refusal of a number that is not in its range.
  ///
  /// - Parameters:
  ///   - property: The name of the property or parameter.
  ///   - found: Its value.
  ///   - expected: What is possible, after the word "expected".
  package static func outOfRange(_ property: String, _ found: some Any, _ expected: String)
    -> Failure
  {
    Failure(.usage, .settingOutOfRange, "`\(property)` \(found)", "expected \(expected)")
  }
}
