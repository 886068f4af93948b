import Crypto

/// Returns the SHA-256 of a file's content in lower-case hexadecimal.
///
/// - Throws: ``Failure`` `NotFound` (66), `PermissionDenied` (77) or `NotARegularFile` (65) if the
///   file cannot be opened, `Truncated` (65) if it becomes shorter meanwhile, `InputOutput` (74) if
///   reading fails.
package func sha256(ofFile path: String) throws -> String {
  let file = try ReadableFile(path: path)
  var hash = SHA256()
  var offset = 0
  while offset < file.size {
    let count = min(1 << 22, file.size - offset)
    hash.update(data: try file.bytes(at: offset, count: count))
    offset += count
  }
  return hexadecimal(hash.finalize())
}

/// Returns the SHA-256 of the lines that `sha256sum` prints for some files of one folder.
///
/// - Parameter files: The paths of the files, each with the SHA-256 of its content.
package func hashOfLines(_ files: [(path: String, sha256: String)]) -> String {
  let lines = files.map { "\($0.sha256)  \(lastComponent($0.path))\n" }
  return hexadecimal(SHA256.hash(data: Array(lines.joined().utf8)))
}

/// Returns bytes in lower-case hexadecimal.
///
/// - Parameter bytes: The bytes, each of which becomes two digits.
package func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
  bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
}

/// Returns whether `text` consists of 64 lower-case hexadecimal digits.
package func isSHA256(_ text: String) -> Bool {
  text.utf8.count == 64 && text.utf8.allSatisfy { "0123456789abcdef".utf8.contains($0) }
}
