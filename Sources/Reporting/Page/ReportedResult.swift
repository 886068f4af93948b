import Files
import Foundation
import Results

/// A result file as a report shows it: whatever stands in it, known to this version or not.
public struct ReportedResult: Sendable {
  private let document: JSONValue
  private let path: String

  /// Reads a result.
  ///
  /// - Throws: ``Failure`` `ReportInput` (65), or that of reading.
  public init(contentsOf path: String) throws(Failure) {
    document = try ReportedFile.document(path, schema: "dis-eval-result/1")
    self.path = path
  }

  private var provenance: JSONValue { document["provenance"] ?? .null }

  /// What was judged.
  public var title: String {
    let name = provenance["checkpoint"]?["file"]?.text ?? provenance["images"]?.text ?? "images"
    return "Evaluation of \(name)"
  }

  /// How many images, against what, in which dialect, and when.
  public var subtitle: String {
    let reference = provenance["reference"] ?? .null
    let number = provenance["num"].map { "\($0.shown) images" } ?? "an unknown number of images"
    let data = reference["dataset"].map {
      [$0["name"], $0["split"]].compactMap { $0?.text }.joined(separator: " ")
    }
    return
      "\(number) against \(data ?? reference["file"]?.text ?? "an unknown reference"), dialect "
      + "\(provenance["dialect"]?.text ?? "unknown"), "
      + "\(document["run"]?["started"]?.text?.prefix(10) ?? "at an unknown time")"
  }

  /// The numbers with their intervals, and why there are none.
  public var metrics: ReportPage.Section {
    var blocks: [ReportPage.Block] = []
    let dialects = document["dialects"]?.entries ?? [(key: "", value: document)]
    for (name, result) in dialects {
      let metrics = result["metrics"]?.entries ?? []
      if !metrics.isEmpty {
        let dialect = name.isEmpty ? "" : " in the dialect \(name)"
        blocks.append(.table(Self.table(metrics, caption: "Values\(dialect)")))
      }
      blocks += notes(on: metrics, skipped: result["skipped"]?.entries ?? [])
    }
    let warnings = provenance["warnings"]?.elements.compactMap(\.text) ?? []
    return ReportPage.Section("Metrics", blocks + warnings.map { .text("Warning: \($0)") })
  }

  private static func table(
    _ metrics: [(key: String, value: JSONValue)], caption: String
  ) -> ReportPage.Table {
    let confidences = Set(metrics.compactMap { $0.value["confidence"]?.double })
    let percent = confidences.count == 1 ? confidences.first : nil
    let hasBias = metrics.contains { $0.value["bias"] != nil }
    return ReportPage.Table(
      caption,
      headings: [
        "Metric", "Value", percent.map { "\(shortest($0 * 100)) % interval" } ?? "Interval",
      ]
        + (hasBias ? ["Bias"] : []) + ["Better", "About it"],
      rows: metrics.map { name, metric in
        func number(_ key: String) -> ReportPage.Cell {
          .number(metric[key]?.double.map { shown($0) } ?? "none")
        }
        return [.text(longName(name)), number("value"), .number(interval(of: metric) ?? "none")]
          + (hasBias ? [number("bias")] : []) + [
            .text(higherIsBetter(metric).map { $0 ? "higher" : "lower" } ?? "unknown"),
            .text(remarks(on: metric)),
          ]
      })
  }

  private static func higherIsBetter(_ metric: JSONValue) -> Bool? {
    if case .boolean(let value) = metric["higher_is_better"] { value } else { nil }
  }

  private static func remarks(on metric: JSONValue) -> String {
    var remarks: [String] = []
    if let deviation = metric["standard_deviation"]?.double {
      remarks.append("standard deviation \(shown(deviation))")
    }
    if let definition = metric["definition"]?.text { remarks.append("as \(definition) defines it") }
    if let method = metric["interval_method"]?.text { remarks.append("interval by \(method)") }
    if let floor = metric["floor"], let value = floor["value"]?.double {
      let data = floor["data"]?.text ?? "real data"
      remarks.append("of \(data) \(shown(value))")
    }
    return remarks.joined(separator: "; ")
  }

  private func notes(
    on metrics: [(key: String, value: JSONValue)], skipped: [(key: String, value: JSONValue)]
  ) -> [ReportPage.Block] {
    let reasons = Dictionary(
      grouping: metrics.filter { $0.value["interval"] == nil },
      by: { $0.value["interval_reason"]?.text ?? "the result does not say why" })
    return reasons.sorted { $0.key < $1.key }.map { reason, metrics in
      .missing("No interval for \(metrics.map(\.key).joined(separator: ", ")): \(reason).")
    } + skipped.map { .missing("Not computed: \($0.key): \($0.value.text ?? "").") }
  }

  /// What the numbers were made from.
  public var origin: ReportPage.Section {
    let parts = [
      ("checkpoint", "Checkpoint"), ("sampler", "Sampler"), ("decoder", "Decoder"),
      ("extractor", "Feature extractor"), ("reference", "Reference"),
    ]
    let named = Set(parts.map(\.0) + ["kernels", "tool", "warnings"])
    let rest = provenance.entries.filter { !named.contains($0.key) }
    var blocks: [ReportPage.Block] = [
      .table(
        ReportPage.Table(
          "Evaluation",
          rows: rest.flatMap { Self.rows(Self.withoutCounts($0.value), $0.key) }
            + Self.rows(document["samples_sha256"] ?? .null, "samples_sha256")))
    ]
    for (key, title) in parts {
      guard let part = provenance[key] else { continue }
      blocks.append(.table(ReportPage.Table(title, rows: Self.rows(part))))
    }
    return ReportPage.Section("Provenance", blocks)
  }

  /// Tool, machine and command.
  public var environment: ReportPage.Section {
    let run = document["run"] ?? .null
    let command = run["arguments"]?.elements.compactMap(\.text).map(quoted)
    var rows = ["tool", "kernels"].flatMap { Self.rows(provenance[$0] ?? .null, $0) }
    rows += run.entries.filter { $0.key != "arguments" }.flatMap { Self.rows($0.value, $0.key) }
    if let command {
      rows.append(["command", .code((["dis-eval"] + command).joined(separator: " "))])
    }
    return ReportPage.Section(
      "Environment", [.table(ReportPage.Table("Where and how it ran", rows: rows))])
  }

  /// An object without the number of images of every single class, of which there may be a thousand.
  private static func withoutCounts(_ value: JSONValue) -> JSONValue {
    guard case .object(var members) = value else { return value }
    members["counts"] = nil
    return .object(members)
  }

  /// A row for each value in `value`, by its place.
  private static func rows(_ value: JSONValue, _ place: String = "") -> [[ReportPage.Cell]] {
    value.leaves(below: place).sorted { $0.path < $1.path }.map { path, value in
      let name = path.replacing("_", with: " ").replacing(".", with: " ")
        .replacing("sha256", with: "SHA-256")
      return [.text(name), path.hasSuffix("sha256") ? .code(value.shown) : .text(value.shown)]
    }
  }
}

// MARK: - The verdict

extension ReportedResult {
  /// What `dis-eval gate --json` said of this result.
  ///
  /// - Throws: ``Failure`` `ReportInput` (65) for no verdict; `VerdictMismatch` (65) when it is of a
  ///   result of other values.
  public func verdict(contentsOf path: String) throws(Failure) -> ReportPage.Section {
    let gate = try ReportedFile.document(path, schema: "dis-eval-gate/1")
    let (words, mood): (String, ReportPage.Mood)
    switch gate["verdict"]?.text {
    case "pass": (words, mood) = ("Pass: every check is met.", .good)
    case "worse": (words, mood) = ("Worse: at least one check is not met.", .bad)
    case "cannot_say": (words, mood) = ("Cannot say: at least one check is undecided.", .unsure)
    case let other:
      throw ReportedFile.refusal(
        path, "verdict: found '\(other ?? "none")', expected pass, worse or cannot_say")
    }
    let checks = gate["checks"]?.elements ?? []
    for check in checks {
      let name = check["metric"]?.text ?? ""
      let (judged, own) = (check["value"], document["metrics"]?[name]?["value"])
      guard judged?.double == own?.double else {
        throw Failure(
          .dataRefused, "VerdictMismatch", path,
          "judges \(name) = \(judged?.shown ?? "none"), but \(self.path) has "
            + "\(own?.shown ?? "none"); give the verdict on this result")
      }
    }
    var blocks: [ReportPage.Block] = [.verdict(words, mood)]
    if !checks.isEmpty {
      blocks.append(
        .table(
          ReportPage.Table(
            "Checks", headings: ["Metric", "Check", "Verdict", "Value", "Limit", "Reason"],
            rows: checks.map { check in
              [
                .text(check["metric"]?.text ?? ""), .text(check["kind"]?.text ?? ""),
                .text((check["verdict"]?.text ?? "").replacing("_", with: " ")),
                .number(check["value"]?.double.map { shown($0) } ?? "none"),
                .number(check["limit"]?.double.map { shown($0) } ?? "none"),
                .text(check["reason"]?.text ?? ""),
              ]
            })))
    }
    blocks += (gate["differences"]?.elements ?? []).map { difference in
      .text(
        "Not comparable: \(difference["field"]?.text ?? "") is "
          + "\(difference["candidate"]?.text ?? "not there"), "
          + "\(difference["baseline"]?.text ?? "not there") in the baseline.")
    }
    return ReportPage.Section("Verdict", blocks)
  }
}

// MARK: - Text

/// Four decimals, more where they would all be zeros.
func shown(_ value: Double) -> String {
  String(format: abs(value) < 0.1 && value != 0 ? "%.4g" : "%.4f", value)
}

/// As few digits as say it.
func shortest(_ value: Double) -> String { String(format: "%.6g", value) }

/// `low – high`, nil when there is no interval.
func interval(of metric: JSONValue) -> String? {
  let ends = metric["interval"]?.elements.compactMap(\.double) ?? []
  return ends.count == 2 ? "\(shown(ends[0])) to \(shown(ends[1]))" : nil
}

/// A metric's name for people, with its short name.
func longName(_ name: String) -> String {
  let names = [
    "fid": "Fréchet Inception Distance", "sfid": "spatial FID", "fd": "Fréchet distance",
    "is": "Inception Score", "cs": "classifier score", "kid": "Kernel Inception Distance",
  ]
  return names[name].map { "\($0) (\(name))" } ?? name
}

/// An argument as a shell takes it.
private func quoted(_ argument: String) -> String {
  let isPlain = argument.utf8.allSatisfy {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
      || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 0x20)
      || "-_./=,:+%@".utf8.contains($0)
  }
  return isPlain && !argument.isEmpty
    ? argument : "'\(argument.replacing("'", with: "'\\''"))'"
}
