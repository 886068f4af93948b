import Foundation
import Testing

/// Errors of the libraries name properties; only the command line has options.
@Suite("Options in messages of the libraries") struct OptionNameTests {
  /// Calls that make a `Failure`, directly or by a helper.
  private static let beginnings = [
    " Failure(", "refused(", "refusal(", "invalid(", "invalidShard(", "shardMismatch(",
  ]

  @Test func noFailureNamesAnOption() throws {
    let sources = URL(fileURLWithPath: DisEvalProcess.file("Sources"))
    let paths = try FileManager.default.subpathsOfDirectory(atPath: sources.path)
      .filter { $0.hasSuffix(".swift") && !$0.hasPrefix("dis-eval/") }
    var count = 0
    for path in paths {
      let text = try String(contentsOf: sources.appendingPathComponent(path), encoding: .utf8)
      for beginning in Self.beginnings {
        for call in text.ranges(of: beginning) {
          let content = Self.balanced(text[call.upperBound...])
          #expect(!content.contains(/(?:^|[^-\w])--[a-z]/), "\(path): \(content)")
          count += 1
        }
      }
    }
    #expect(count > 100)
  }

  /// Returns the text before the parenthesis that ends it.
  private static func balanced(_ text: Substring) -> Substring {
    var depth = 1
    return text.prefix { character in
      if character == "(" { depth += 1 }
      if character == ")" { depth -= 1 }
      return depth > 0
    }
  }
}
