import Files
import Foundation
import Results

/// The sections of a page that show a result.
public struct ReportedResult: Sendable {
  private let result: EvaluationResult
  private let path: String

  /// Creates the sections that show a result.
  ///
  /// - Parameters:
  ///   - result: The result.
  ///   - path: The path from which the result was read, for messages.
  public init(_ result: EvaluationResult, path: String) {
    (self.result, self.path) = (result, path)
  }

  private var provenance: Provenance { result.provenance }

  /// The title, which names what was evaluated.
  public var title: String {
    "Evaluation of \(provenance.subjectName ?? "images")"
  }

  /// The number of images, the reference, the dialect and the date.
  public var subtitle: String {
    let reference = provenance.reference
    let number = provenance.num.map { "\($0) images" } ?? "an unknown number of images"
    let data = reference.dataset.map {
      [$0.name, $0.split].compactMap(\.self).joined(separator: " ")
    }
    return "\(number) against \(data ?? reference.file), dialect \(provenance.dialect), "
      + result.run.started.prefix(10)
  }

  /// The section on what the metrics were computed from.
  ///
  /// - Throws: `EncodingError` if a number in the provenance is not finite.
  public var origin: ReportPage.Section {
    get throws {
      let whole = try JSONValue(of: provenance)
      let parts = [
        ("checkpoint", "Checkpoint"), ("sampler", "Sampler"), ("generator", "Generator"),
        ("decoder", "Decoder"), ("extractor", "Feature extractor"), ("reference", "Reference"),
      ]
      let named = Set(parts.map(\.0) + ["kernels", "tool", "warnings"])
      let rest = whole.members.filter { !named.contains($0.key) }
      var rows = rest.flatMap { Self.rows(Self.withoutCounts($0.value), $0.key) }
      if let sha256 = result.samplesSha256 { rows += Self.rows(.text(sha256), "samples_sha256") }
      var blocks: [ReportPage.Block] = [.table(ReportPage.Table("Evaluation", rows: rows))]
      for (key, title) in parts {
        guard let part = whole[key] else { continue }
        blocks.append(.table(ReportPage.Table(title, rows: Self.rows(part))))
      }
      return ReportPage.Section("Provenance", blocks)
    }
  }

  /// The section on the tool, the machine and the command.
  public var environment: ReportPage.Section {
    let run = result.run
    let command = (["dis-eval"] + run.arguments.map(quoted)).joined(separator: " ")
    let rows: [[ReportPage.Cell]] = [
      ["tool", .text(provenance.tool)], ["kernels", .text(provenance.kernels)],
      ["batch", .text("\(run.batch)")], ["host", .text(run.host)],
      ["seconds", .text("\(run.seconds)")], ["started", .text(run.started)],
      ["threads", .text("\(run.threads)")], ["command", .code(command)],
    ]
    return ReportPage.Section(
      "Environment", [.table(ReportPage.Table("Where and how it ran", rows: rows))])
  }

  /// Returns an object without the number of images of every class, of which there may be a
  /// thousand.
  private static func withoutCounts(_ value: JSONValue) -> JSONValue {
    guard case .object(var members) = value else { return value }
    members["counts"] = nil
    return .object(members)
  }

  /// Returns a row for each value in `value`, by its location.
  private static func rows(_ value: JSONValue, _ place: String = "") -> [[ReportPage.Cell]] {
    value.leaves(below: place).sorted { $0.path < $1.path }.map { path, value in
      let name = path.replacing("_", with: " ").replacing(".", with: " ")
        .replacing("sha256", with: "SHA-256")
      return [.text(name), path.hasSuffix("sha256") ? .code(value.shown) : .text(value.shown)]
    }
  }
}

// MARK: - Metrics

extension ReportedResult {
  /// The section of metrics with their intervals, or the reasons there are none.
  public var metrics: ReportPage.Section {
    var blocks: [ReportPage.Block] = []
    if let dialects = result.dialects {
      for (name, dialect) in dialects.sorted(by: { $0.key < $1.key }) {
        blocks += Self.blocks(
          dialect.metrics, skipped: dialect.skipped, caption: "Values in the dialect \(name)")
      }
    } else {
      blocks += Self.blocks(result.metrics, skipped: result.skipped, caption: "Values")
    }
    return ReportPage.Section(
      "Metrics",
      blocks + diagnosis.map { .text($0) } + provenance.warnings.map { .text("Warning: \($0)") })
  }

  /// What the images are like beside the metrics, in sentences.
  private var diagnosis: [String] {
    guard let diagnosis = result.diagnosis else { return [] }
    var sentences: [String] = []
    if let distance = diagnosis.distance {
      let count = distance.directionsOfFourFifths
      sentences.append(
        "Of the Fréchet distance, \(shown(distance.meanPart)) is the difference of the means and "
          + "\(shown(distance.covariancePart)) that of the covariances. "
          + "\(count) direction\(count == 1 ? " carries" : "s carry") 80 % of it.")
    }
    if let classes = diagnosis.classes {
      let worst = classes.deviations.prefix(3).filter { abs($0.residual) > 2 }.map {
        "class \($0.index) has \($0.count) images, \(shown($0.expected)) are expected"
      }
      sentences.append(
        "The predicted classes against those of the reference: chi-squared \(shown(classes.chiSquared)) with "
          + "\(classes.degreesOfFreedom) degrees of freedom, p = \(shown(classes.pValue))"
          + (classes.dependable ? "" : ", which few images for some classes make unreliable")
          + (worst.isEmpty ? "." : "; " + worst.joined(separator: "; ") + "."))
    } else if let reason = diagnosis.classesReason {
      sentences.append("The predicted classes are not compared: \(reason).")
    }
    return sentences
  }

  private static func blocks(
    _ metrics: [String: EvaluationResult.Metric], skipped: [String: String], caption: String
  ) -> [ReportPage.Block] {
    let sorted = metrics.sorted { $0.key < $1.key }
    let reasons = Dictionary(
      grouping: sorted.filter { $0.value.interval == nil },
      by: { $0.value.intervalReason ?? "the result does not say why" })
    let notes: [ReportPage.Block] = reasons.sorted { $0.key < $1.key }.map { reason, metrics in
      .missing("No interval for \(metrics.map(\.key).joined(separator: ", ")): \(reason).")
    }
    return (sorted.isEmpty ? [] : [.table(table(sorted, caption: caption))]) + notes
      + skipped.sorted { $0.key < $1.key }.map { .missing("Not computed: \($0): \($1).") }
  }

  private static func table(
    _ metrics: [(key: String, value: EvaluationResult.Metric)], caption: String
  ) -> ReportPage.Table {
    let confidences = Set(metrics.compactMap(\.value.confidence))
    let percent = confidences.count == 1 ? confidences.first : nil
    let hasDebiased = metrics.contains { $0.value.debiased != nil }
    // The bias is the difference of the value and the debiased one.
    let hasBias = !hasDebiased && metrics.contains { $0.value.bias != nil }
    let interval = percent.map { "\(sixDigits($0 * 100)) % interval" } ?? "Interval"
    return ReportPage.Table(
      caption,
      headings: ["Metric", "Value", interval]
        + (hasDebiased ? ["Debiased", interval] : []) + (hasBias ? ["Bias"] : []) + [
          "Better", "About it",
        ],
      rows: metrics.map { name, metric in
        [
          .text(longName(name)), .number(shown(metric.value)),
          .number(ends(metric.interval) ?? "none"),
        ]
          + (hasDebiased
            ? [
              .number(metric.debiased.map(shown) ?? "none"),
              .number(ends(metric.debiasedInterval) ?? "none"),
            ] : [])
          + (hasBias ? [.number(metric.bias.map(shown) ?? "none")] : [])
          + [.text(metric.higherIsBetter ? "higher" : "lower"), .text(remarks(on: metric))]
      })
  }

  private static func remarks(on metric: EvaluationResult.Metric) -> String {
    var remarks: [String] = []
    if let deviation = metric.standardDeviation {
      remarks.append("standard deviation \(shown(deviation))")
    }
    if let definition = metric.definition { remarks.append("as \(definition) defines it") }
    if let own = metric.referenceValue { remarks.append("of the reference itself \(shown(own))") }
    if metric.biasReliable == false {
      remarks.append("its bias is not reliable with so few images")
    }
    if let reason = metric.debiasedReason { remarks.append("not debiased: \(reason)") }
    if let part = metric.referenceBias {
      remarks.append("the reference adds a bias of about \(shown(part))")
    }
    if let method = metric.intervalMethod { remarks.append("interval by \(method)") }
    if let floor = metric.floor { remarks.append("of \(floor.data) \(shown(floor.value))") }
    return remarks.joined(separator: "; ")
  }
}

// MARK: - The verdict

extension ReportedResult {
  /// Returns the section on the gate's verdict on this result.
  ///
  /// - Parameters:
  ///   - gate: The verdict, computed from this result.
  ///   - path: The path from which the verdict was read, for messages.
  /// - Throws: ``Failure`` `VerdictMismatch` (65) if the verdict was computed from different
  ///   values.
  public func verdict(_ gate: GateReport, path: String) throws(Failure) -> ReportPage.Section {
    let (words, mood): (String, ReportPage.Mood) =
      switch gate.verdict {
      case .pass: ("Pass: every check is met.", .good)
      case .worse: ("Worse: at least one check is not met.", .bad)
      case .cannotSay: ("Cannot say: at least one check is undecided.", .unsure)
      }
    for check in gate.checks {
      let own = result.metrics[check.metric]?.value
      guard check.value == own else {
        throw Failure(
          .dataRefused, .verdictMismatch, path,
          "judges \(check.metric) = \(check.value.map { "\($0)" } ?? "none"), but \(self.path) has "
            + "\(own.map { "\($0)" } ?? "none"); give the verdict on this result")
      }
    }
    var blocks: [ReportPage.Block] = [.verdict(words, mood)]
    if !gate.checks.isEmpty {
      blocks.append(
        .table(
          ReportPage.Table(
            "Checks", headings: ["Metric", "Check", "Verdict", "Judged", "Limit", "Reason"],
            rows: gate.checks.map { check in
              [
                .text(check.metric), .text(check.kind.rawValue), .text(check.verdict.text),
                .number((check.debiased ?? check.value).map(shown) ?? "none"),
                .number(check.limit.map(shown) ?? "none"), .text(check.reason),
              ]
            })))
    }
    blocks += gate.differences.map { .text("Not comparable: \($0.text).") }
    return ReportPage.Section("Verdict", blocks)
  }
}
