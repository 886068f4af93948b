import Files

/// A file that a report shows as it is.
enum ReportedFile {
  /// Reads at most `limit` bytes: a file with more is refused.
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
