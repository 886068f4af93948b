import Results

extension GateReport {
  /// JUnit's XML: a failure is worse, an error is a metric that the result lacks, skipped is what
  /// nobody can say.
  public var junit: String {
    func count(_ outcome: Outcome) -> Int { checks.count { $0.outcome == outcome } }
    let counts =
      "tests=\"\(checks.count)\" failures=\"\(count(.failure))\" errors=\"\(count(.error))\""
    let cases = checks.map { check in
      let open = "    <testcase classname=\"dis-eval.gate\" name=\"\(xml(check.title))\" time=\"0\""
      let reason = xml(check.reason)
      return switch check.outcome {
      case .pass: open + "/>"
      case .skipped: open + ">\n      <skipped message=\"\(reason)\"/>\n    </testcase>"
      case .failure, .error:
        """
        \(open)>
              <\(check.outcome) type="\(check.verdict.rawValue)" message="\(reason)"/>
            </testcase>
        """
      }
    }
    let lines =
      [
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "<testsuites name=\"dis-eval\" \(counts)>",
        "  <testsuite name=\"dis-eval gate\" \(counts) skipped=\"\(count(.skipped))\" time=\"0\">",
      ] + cases + ["  </testsuite>", "</testsuites>", ""]
    return lines.joined(separator: "\n")
  }
}

/// What JUnit calls an outcome.
private enum Outcome: String {
  case pass, failure, error, skipped
}

extension Check {
  fileprivate var outcome: Outcome {
    switch verdict {
    case .pass: .pass
    case .worse: .failure
    case .cannotSay: value == nil && kind != .audit ? .error : .skipped
    }
  }
}

/// Text for an attribute in quotes: what XML 1.0 forbids is escaped or replaced.
private func xml(_ text: String) -> String {
  replacing(
    [
      "&": "&amp;", "<": "&lt;", ">": "&gt;", "\"": "&quot;", "\u{FFFE}": "\u{FFFD}",
      "\u{FFFF}": "\u{FFFD}",
    ], in: text)
}
