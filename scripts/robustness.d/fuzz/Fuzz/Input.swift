import Files
import Foundation

/// The bytes of one input, as an array or as a file.
struct Input {
  let bytes: [UInt8]
  /// The end of the file's name, which decides for some formats.
  let suffix: String

  /// The path of a file with these bytes. Every input of the process has the same one.
  var path: String { file(bytes, suffix: suffix) }

  /// The path of a file with other bytes.
  func file(_ bytes: [UInt8], suffix: String) -> String {
    let path = "\(Self.folder)/input\(suffix)"
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    precondition(descriptor >= 0, "cannot create \(path)")
    defer { close(descriptor) }
    precondition(write(descriptor, bytes, bytes.count) == bytes.count, "cannot write \(path)")
    return path
  }

  /// The bytes in `count` parts: a number of 16 bits before each but the last is its length.
  func parts(_ count: Int) -> [[UInt8]] {
    var rest = bytes[...]
    var parts: [[UInt8]] = []
    while parts.count < count - 1 {
      let length = rest.prefix(2).reduce(0) { $0 << 8 | Int($1) }
      rest = rest.dropFirst(2)
      parts.append(Array(rest.prefix(length)))
      rest = rest.dropFirst(length)
    }
    return parts + [Array(rest)]
  }

  /// A folder of this process, in memory where there is one. libFuzzer's own exit skips Swift's, so
  /// scripts/fuzz removes it.
  static let folder: String = {
    let parent = ProcessInfo.processInfo.environment["FUZZ_FOLDER"] ?? NSTemporaryDirectory()
    let folder = "\(parent)/\(getpid())"
    mkdir(folder, 0o700)
    return folder
  }()
}
