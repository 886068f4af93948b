import Files
import Results

extension GateReport {
  /// The report as lines for a terminal: the verdict, then every check. Control characters are
  /// escaped, and no line begins with a name, which GitHub's runner could interpret as a command.
  public var text: String {
    var lines = ["\(verdict.text): \(escaped(result))"]
    if let baseline { lines[0] += " against \(escaped(baseline))" }
    if let seeds {
      lines.append("  means over seeds \(seeds.map(String.init).joined(separator: ", "))")
    }
    lines += checks.map { "  \($0.verdict.text): \(escaped("\($0.title): \($0.reason)"))" }
    if checks.isEmpty { lines.append("  there is nothing to judge by") }
    return lines.joined(separator: "\n")
  }
}

extension GateReport.Check {
  /// The title of the check, such as `fid max`.
  var title: String { "\(metric) \(kind.rawValue)" }
}

// MARK: - Continuous integration

extension GateReport {
  /// Annotations for GitHub's runner: errors for checks that are worse, warnings for undecided
  /// ones; at most ten of each kind, because the runner shows no more.
  public var annotations: [String] {
    [(GateReport.Verdict.worse, "error"), (.cannotSay, "warning")].flatMap { verdict, command in
      let found = checks.filter { $0.verdict == verdict }
      let shown = found.count > 10 ? found.prefix(9) : found[...]
      var lines = shown.map {
        "::\(command) title=\(property("dis-eval \($0.title)"))::"
          + data("\($0.verdict.text): \($0.reason)")
      }
      if shown.count < found.count {
        lines.append("::\(command) title=dis-eval::\(found.count - shown.count) more checks")
      }
      return lines
    }
  }

  private func data(_ text: String) -> String {
    replacing(["%": "%25"], in: escaped(text))
  }

  private func property(_ text: String) -> String {
    replacing(["%": "%25", ":": "%3A", ",": "%2C"], in: escaped(text))
  }

  /// The report as GitHub Markdown, with at most the first 200 checks.
  public var markdown: String {
    var lines = [
      "### dis-eval gate: \(verdict.text)", "",
      "\(cell(result))" + (baseline.map { " against \(cell($0))" } ?? ""), "",
      "| metric | demand | verdict | why |", "|---|---|---|---|",
    ]
    lines += checks.prefix(200).map {
      let demand = $0.kind.rawValue + ($0.limit.map { " \(sixDigits($0))" } ?? "")
      return "| \(cell($0.metric)) | \(demand) | \($0.verdict.text) | \(cell($0.reason)) |"
    }
    if checks.count > 200 { lines += ["", "\(checks.count - 200) more checks."] }
    return lines.joined(separator: "\n") + "\n\n"
  }

  /// Returns text that Markdown shows unchanged, shortened to 2,000 characters.
  private func cell(_ text: String) -> String {
    let short = text.count > 2000 ? text.prefix(2000) + "…" : text
    var table: [Unicode.Scalar: String] = [
      "&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;",
    ]
    for scalar in "\\`*_[]|~$#!".unicodeScalars { table[scalar] = "\\\(scalar)" }
    return replacing(table, in: escaped(short))
  }
}

// MARK: - OpenMetrics

extension GateReport {
  /// Gauges in the OpenMetrics text format, for GitLab's metrics reports and for Prometheus.
  public var openMetrics: String {
    func gauge(_ name: String, _ help: String, _ samples: [String]) -> [String] {
      samples.isEmpty
        ? [] : ["# TYPE \(name) gauge", "# HELP \(name) \(help)"] + samples.map { name + $0 }
    }
    func metrics(_ name: String, _ help: String, _ value: (GateReport.Check) -> Double?) -> [String]
    {
      let values = Dictionary(
        checks.compactMap { check in value(check).map { (check.metric, $0) } }
      ) { first, _ in first }
      return gauge(
        name, help,
        values.sorted { $0.key < $1.key }.map {
          "{name=\"\(label($0))\"} \(sixDigits($1))"
        })
    }
    let lines =
      gauge("dis_eval_gate_status", "0 pass, 1 worse, 3 cannot say.", [" \(verdict.exitStatus)"])
      + gauge("dis_eval_samples", "Samples scored.", num.map { [" \($0)"] } ?? [])
      + metrics("dis_eval_metric", "The number of a metric that is judged.") {
        $0.debiased ?? $0.value
      }
      + metrics("dis_eval_metric_value", "The plug-in value of a metric.") { $0.value }
      + metrics("dis_eval_metric_low", "Low end of its interval.") { $0.interval?.lowerBound }
      + metrics("dis_eval_metric_high", "High end of its interval.") { $0.interval?.upperBound }
      + metrics("dis_eval_metric_error", "Its standard error.") { $0.standardError }
    return (lines + ["# EOF", ""]).joined(separator: "\n")
  }

  private func label(_ text: String) -> String {
    replacing(["\\": "\\\\", "\"": "\\\""], in: escaped(text))
  }
}
