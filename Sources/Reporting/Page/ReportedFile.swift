import Files

/// A file that a report shows unchanged.
enum ReportedFile {
  /// Returns the contents of a file.
  ///
  /// - Throws: `Failure` `ReportInput` (65) if the file has more than `limit` bytes, or the error
  ///   that opening or reading the file throws.
  static func bytes(_ path: String, limit: Int) throws(Failure) -> [UInt8] {
    let file = try ReadableFile(path: path)
    guard file.size <= limit else {
      throw refusal(path, "\(file.size) bytes are more than the \(limit) that are read")
    }
    return try file.bytes(at: 0, count: file.size)
  }

  static func refusal(_ subject: String, _ detail: String) -> Failure {
    Failure(.dataRefused, .reportInput, subject, detail)
  }
}
