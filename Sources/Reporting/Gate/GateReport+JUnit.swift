import Files
import Results

extension GateReport {
  /// The report as JUnit XML: a failure is a check that is worse, an error a metric that the result
  /// lacks, and a skipped test a check that is undecided.
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

/// The outcome of a check in JUnit's terms.
private enum Outcome: String {
  case pass, failure, error, skipped
}

extension GateReport.Check {
  fileprivate var outcome: Outcome {
    switch verdict {
    case .pass: .pass
    case .worse: .failure
    case .cannotSay: value == nil && kind != .audit ? .error : .skipped
    }
  }
}

/// Returns text for a quoted attribute, with what XML 1.0 forbids escaped or replaced.
private func xml(_ text: String) -> String {
  replacing(
    [
      "&": "&amp;", "<": "&lt;", ">": "&gt;", "\"": "&quot;", "\u{FFFE}": "\u{FFFD}",
      "\u{FFFF}": "\u{FFFD}",
    ], in: escaped(text))
}
