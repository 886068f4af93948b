/// Why a command ends, as an exit status. The values are those of sysexits(3), because schedulers
/// and CI systems match on numbers.
public enum ExitStatus: Int32, Sendable {
  /// The gate says "worse". Nothing else ever exits 1.
  case worse = 1
  /// The gate cannot say.
  case inconclusive = 3
  /// The command line is wrong.
  case usage = 64
  /// Input data are refused: malformed, hostile or mismatched.
  case dataRefused = 65
  /// An input is not there.
  case inputMissing = 66
  /// A needed thing is not available, such as weights while offline.
  case unavailable = 69
  /// A bug in this program.
  case internalError = 70
  /// The work would exceed the memory budget, or the system refused memory.
  case outOfMemory = 71
  /// An output cannot be created.
  case cannotCreate = 73
  /// Reading or writing failed: disk full, device error, standard output lost.
  case inputOutput = 74
  /// Stopped by a signal after a clean checkpoint; run again to continue.
  case interrupted = 75
  /// Permission denied.
  case permissionDenied = 77
  /// A configuration file is invalid.
  case invalidConfiguration = 78
}

/// An error that names the thing, what was found and what was expected.
///
/// One type for every module that meets the outside world; tests match ``code``.
public struct Failure: Error, Equatable, Sendable, CustomStringConvertible {
  /// What the process exits with.
  public let status: ExitStatus
  /// A stable name in UpperCamelCase, such as `ZipOverlap`.
  public let code: String
  /// The file, tensor or option that is at fault.
  public let subject: String
  /// What was found, what was expected, and what to do.
  public let detail: String

  /// Makes a failure.
  public init(_ status: ExitStatus, _ code: String, _ subject: String, _ detail: String) {
    self.status = status
    self.code = code
    self.subject = subject
    self.detail = detail
  }

  /// One line, with control characters escaped, for a terminal.
  public var description: String { "\(code): '\(escaped(subject))': \(escaped(detail))" }
}

/// `text` with control and bidirectional characters written as escapes, so that a hostile name
/// cannot rewrite a terminal or a log.
public func escaped(_ text: String) -> String {
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
