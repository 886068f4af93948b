import Files
import Foundation

/// Formats in which other tools read evaluations.
public enum ExportFormat: String, CaseIterable, Sendable {
  /// The OpenMetrics text format, for Prometheus and GitLab.
  case openmetrics
  /// A table with a row for each evaluation.
  case csv
  /// DVC's metrics: a tree of numbers by name.
  case dvc
  /// MLflow's file store.
  case mlflow
  /// A table in LaTeX, for a paper; see ``EvaluationTable``.
  case latex
  /// The same table in Markdown.
  case markdown

  /// Whether the format is an ``EvaluationTable``.
  public var isTable: Bool { self == .latex || self == .markdown }

  /// Returns evaluations in this format, apart from ``mlflow``, which is a folder.
  ///
  /// - Parameters:
  ///   - entries: The evaluations, in the order of the text, apart from tables.
  ///   - metrics: The metrics of a table, in their order; nil for all. Other formats have all metrics.
  /// - Throws: `Failure` `ExportInvalid` (64) for `mlflow`, which is a folder; the error of
  ///   ``EvaluationTable/init(_:metrics:)`` for tables; `EncodingError` for `dvc` if a number is not
  ///   finite.
  public func text(_ entries: [LedgerEntry], metrics: [String]? = nil) throws -> String {
    switch self {
    case .openmetrics: return openMetrics(entries)
    case .csv: return csvTable(entries)
    case .dvc: return String(decoding: try dvcMetrics(entries), as: UTF8.self)
    case .latex: return try EvaluationTable(entries, metrics: metrics).latex
    case .markdown: return try EvaluationTable(entries, metrics: metrics).markdown
    case .mlflow:
      throw Failure(.usage, .exportInvalid, rawValue, "is written as a folder, not as text")
    }
  }
}

extension LedgerEntry {
  /// Returns the entry as a line of a ledger, without a newline.
  ///
  /// - Throws: `EncodingError` if a number is not finite.
  public func line() throws -> String { String(decoding: try compactJSON(self), as: UTF8.self) }
}

/// Returns a unique name for each entry: its own, with the seed or key appended if several entries
/// share it.
func uniqueNames(_ entries: [LedgerEntry]) -> [String] {
  func counted(_ names: [String]) -> [String: Int] {
    names.reduce(into: [:]) { $0[$1, default: 0] += 1 }
  }
  let plain = entries.map(\.name)
  let count = counted(plain)
  let seeded = zip(entries, plain).map { entry, name in
    count[name] == 1 ? name : "\(name)-seed-\(entry.sampler?.seed ?? 0)"
  }
  let seededCount = counted(seeded)
  return zip(entries, seeded).map { entry, name in
    seededCount[name] == 1 ? name : "\(name)-\(entry.key.prefix(12))"
  }
}

// MARK: - OpenMetrics

/// OpenMetrics 1.0: gauges without time stamps, and `# EOF`. There are few labels; the key makes
/// each series unique.
private func openMetrics(_ entries: [LedgerEntry]) -> String {
  func labels(_ entry: LedgerEntry, _ more: [(String, String)]) -> String {
    let all: [(String, String?)] =
      [
        ("name", entry.name), ("family", entry.family), ("dialect", entry.dialect),
        ("num", entry.num.map(String.init)), ("seed", entry.sampler.map { String($0.seed) }),
        ("key", String(entry.key.prefix(16))),
      ] + more
    let texts = all.compactMap { name, value in
      value.map { "\(name)=\"\(escapedLabel($0))\"" }
    }
    return "{" + texts.joined(separator: ",") + "}"
  }
  var text = ""
  func family(_ name: String, _ help: String, unit: String? = nil, _ samples: [String]) {
    guard !samples.isEmpty else { return }
    text += "# TYPE \(name) gauge\n"
    if let unit { text += "# UNIT \(name) \(unit)\n" }
    text += "# HELP \(name) \(help)\n" + samples.map { "\(name)\($0)\n" }.joined()
  }
  func scores(_ value: (LedgerEntry.Score) -> Double?) -> [String] {
    entries.flatMap { entry in
      entry.metrics.sorted { $0.key < $1.key }.compactMap { name, score in
        value(score).map { "\(labels(entry, [("metric", name)])) \($0)" }
      }
    }
  }
  family("dis_eval_metric", "Score of generated images.", scores(\.value))
  family(
    "dis_eval_metric_low", "Lower end of the interval of a score.",
    scores { $0.interval?.lowerBound })
  family(
    "dis_eval_metric_high", "Upper end of the interval of a score.",
    scores { $0.interval?.upperBound })
  family(
    "dis_eval_metric_debiased", "Score without its estimated bias.", scores(\.debiased))
  family(
    "dis_eval_metric_debiased_low", "Lower end of the interval of a debiased score.",
    scores { $0.debiasedInterval?.lowerBound })
  family(
    "dis_eval_metric_debiased_high", "Upper end of the interval of a debiased score.",
    scores { $0.debiasedInterval?.upperBound })
  family(
    "dis_eval_training_step", "Optimiser steps of the checkpoint.",
    entries.compactMap { entry in
      entry.training?.step.map { "\(labels(entry, [])) \($0)" }
    })
  family(
    "dis_eval_duration_seconds", "Wall time of the evaluation.", unit: "seconds",
    entries.compactMap { entry in entry.seconds.map { "\(labels(entry, [])) \($0)" } })
  return text + "# EOF\n"
}

private func escapedLabel(_ text: String) -> String {
  replacing(["\\": "\\\\", "\"": "\\\"", "\n": "\\n"], in: text)
}

// MARK: - CSV

private func csvTable(_ entries: [LedgerEntry]) -> String {
  let metrics = Set(entries.flatMap(\.metrics.keys)).sorted()
  // The column names come from a row without an entry.
  let header = CSVRow(nil, metrics: metrics).cells.map(\.name)
  return CommaSeparated.line(header)
    + entries.map { CommaSeparated.spreadsheetLine(CSVRow($0, metrics: metrics).cells.map(\.text)) }
    .joined()
}

/// The cells of an entry.
private struct CSVRow {
  private(set) var cells: [(name: String, text: String)] = []

  init(_ entry: LedgerEntry?, metrics: [String]) {
    let (training, sampler) = (entry?.training, entry?.sampler)
    add("name", entry?.name)
    add("family", entry?.family)
    add("checkpoint", entry?.checkpoint)
    add("step", training?.step)
    add("step_from", training?.stepFrom)
    add("images_seen", training?.images)
    add("data", training?.data)
    add("training_gflops", training?.gflops)
    add("parameters", entry?.parameters)
    add("tokens", entry?.tokens)
    add("gflops_true", entry?.gflops?.total)
    add("gflops_thop", entry?.gflops?.thop)
    add("gmacs", entry?.gflops?.macs)
    add("sampler", sampler?.name)
    add("steps", sampler?.steps)
    add("evaluations", sampler?.evaluations)
    add("network_evaluations", sampler?.networkEvaluations)
    add("cfg_scale", sampler?.cfgScale)
    add("seed", sampler?.seed)
    add("num", entry?.num)
    add("dialect", entry?.dialect)
    add("extractor", entry?.extractor?.name)
    add("reference", entry?.reference?.name)
    for metric in metrics {
      let score = entry?.metrics[metric]
      add(metric, score?.value)
      add("\(metric)_low", score?.interval?.lowerBound)
      add("\(metric)_high", score?.interval?.upperBound)
      add("\(metric)_bias", score?.bias)
      add("\(metric)_debiased", score?.debiased)
      add("\(metric)_debiased_low", score?.debiasedInterval?.lowerBound)
      add("\(metric)_debiased_high", score?.debiasedInterval?.upperBound)
    }
    add("seconds", entry?.seconds)
    add("date", entry?.date)
    add("tool", entry?.tool)
    add("key", entry?.key)
  }

  private mutating func add(_ name: String, _ value: (some CustomStringConvertible)?) {
    cells.append((name, value?.description ?? ""))
  }
}

// MARK: - DVC

/// Returns `{name: {metric: value}}`, without the name for a single evaluation, so that `dvc
/// metrics diff` compares values at the same location in two commits.
private func dvcMetrics(_ entries: [LedgerEntry]) throws -> [UInt8] {
  func numbers(_ entry: LedgerEntry) -> [String: Double] {
    var numbers: [String: Double] = [:]
    for (name, score) in entry.metrics {
      numbers[name] = score.value
      if let interval = score.interval {
        numbers["\(name)_low"] = interval.lowerBound
        numbers["\(name)_high"] = interval.upperBound
      }
      numbers["\(name)_debiased"] = score.debiased
      if let interval = score.debiasedInterval {
        numbers["\(name)_debiased_low"] = interval.lowerBound
        numbers["\(name)_debiased_high"] = interval.upperBound
      }
    }
    numbers["num"] = entry.num.map(Double.init)
    return numbers
  }
  guard entries.count != 1 else {
    return try encodedJSON(numbers(entries[0]), keys: .useDefaultKeys)
  }
  return try encodedJSON(
    Dictionary(zip(uniqueNames(entries), entries.map(numbers))) { first, _ in first },
    keys: .useDefaultKeys)
}
