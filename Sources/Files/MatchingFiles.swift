import Foundation

/// Returns the files that match `patterns`, each once, in the order of the patterns and then of the
/// names.
///
/// - Parameters:
///   - patterns: Paths, or shell patterns of paths.
///   - expected: What to give, for the message.
/// - Throws: ``Failure`` `NotFound` (66) if no file matches a pattern.
package func matchingFiles(_ patterns: [String], expected: String) throws(Failure) -> [String] {
  var paths: [String] = []
  for pattern in patterns {
    let found = FileManager.default.fileExists(atPath: pattern) ? [pattern] : matches(pattern)
    guard !found.isEmpty else {
      throw Failure(.inputMissing, .notFound, pattern, "no file matches; give \(expected)")
    }
    for path in found where !paths.contains(path) { paths.append(path) }
  }
  return paths
}

private func matches(_ pattern: String) -> [String] {
  var found = glob_t()
  defer { globfree(&found) }
  guard glob(pattern, 0, nil, &found) == 0 else { return [] }
  return (0..<Int(found.gl_pathc)).compactMap { index in
    found.gl_pathv[index].flatMap { String(validatingCString: $0) }
  }
}
