import Crypto
import Files
import Foundation

/// Writes evaluations as runs of one experiment into MLflow's file store, a folder of small files.
/// An existing run is overwritten under the same identifier.
///
/// - Parameters:
///   - entries: The evaluations, each of which becomes a run.
///   - folder: The folder of the store, created if it does not exist; other experiments in it are
///     kept.
/// - Throws: `Failure` `CannotCreate` (73) if a folder or file cannot be created, or `DiskFull` or
///   `InputOutput` (74) if writing fails.
public func exportMLflow(_ entries: [LedgerEntry], to folder: String) throws {
  let experiment = "\(folder)/\(MLflow.experiment)"
  let location = "file://" + MLflow.uriPath(absolutePath(experiment))
  let dates = entries.map(MLflow.milliseconds)
  try MLflow.write(
    [
      ("artifact_location", .text(location)), ("creation_time", .number(dates.min() ?? 0)),
      ("experiment_id", .text(MLflow.experiment)), ("last_update_time", .number(dates.max() ?? 0)),
      ("lifecycle_stage", .text("active")), ("name", .text("dis-eval")),
    ], to: "\(experiment)/meta.yaml")
  for (entry, name) in zip(entries, uniqueNames(entries)) {
    let identifier = MLflow.identifier(entry)
    let run = "\(experiment)/\(identifier)"
    let start = MLflow.milliseconds(entry)
    let step = entry.training?.step ?? 0
    for (metric, score) in entry.metrics {
      func record(_ name: String, _ value: Double?) throws {
        guard let value else { return }
        try MLflow.write("\(start) \(value) \(step)\n", to: "\(run)/metrics/\(MLflow.safe(name))")
      }
      try record(metric, score.value)
      try record("\(metric)_low", score.interval?.lowerBound)
      try record("\(metric)_high", score.interval?.upperBound)
      try record("\(metric)_bias", score.bias)
      try record("\(metric)_debiased", score.debiased)
      try record("\(metric)_debiased_low", score.debiasedInterval?.lowerBound)
      try record("\(metric)_debiased_high", score.debiasedInterval?.upperBound)
    }
    for (key, value) in MLflow.parameters(entry) {
      try MLflow.write(value, to: "\(run)/params/\(key)")
    }
    let tags = [
      "mlflow.runName": name, "mlflow.source.name": entry.tool, "key": entry.key,
      "checkpoint_sha256": entry.checkpointSha256, "samples_sha256": entry.samplesSha256,
    ]
    for (key, value) in tags {
      if let value { try MLflow.write(value, to: "\(run)/tags/\(key)") }
    }
    try Folder.create("\(run)/artifacts")
    try MLflow.write(
      [
        ("artifact_uri", .text("\(location)/\(identifier)/artifacts")),
        ("end_time", .number(start + MLflow.duration(entry))),
        ("entry_point_name", .text("")), ("experiment_id", .text(MLflow.experiment)),
        ("lifecycle_stage", .text("active")), ("run_id", .text(identifier)),
        ("run_name", .text(name)), ("run_uuid", .text(identifier)), ("source_name", .text("")),
        ("source_type", .number(4)), ("source_version", .text("")),
        ("start_time", .number(start)), ("status", .number(3)), ("tags", .none),
        ("user_id", .text("")),
      ], to: "\(run)/meta.yaml")
  }
}

/// The number of this tool's experiment, chosen so that others are unlikely to use it.
package let mlflowExperiment = "240205608000000001"

/// The names and formats of the file store.
private enum MLflow {
  static let experiment = mlflowExperiment

  /// A value in a `meta.yaml`.
  enum Value {
    case text(String)
    case number(Int)
    case none
  }

  /// Returns 32 hexadecimal digits that identify the run.
  static func identifier(_ entry: LedgerEntry) -> String {
    hexadecimal(SHA256.hash(data: Array(entry.key.utf8)).prefix(16))
  }

  static func milliseconds(_ entry: LedgerEntry) -> Int {
    guard let date = try? Date(entry.date ?? "", strategy: .iso8601) else { return 0 }
    return Int(date.timeIntervalSince1970 * 1000)
  }

  /// Returns the time that the evaluation took, in milliseconds; 0 if it is unknown or no time.
  static func duration(_ entry: LedgerEntry) -> Int {
    guard let seconds = entry.seconds, (0...1e12).contains(seconds) else { return 0 }
    return Int(seconds * 1000)
  }

  static func parameters(_ entry: LedgerEntry) -> [(String, String)] {
    let all: [(String, String?)] = [
      ("checkpoint", entry.checkpoint), ("family", entry.family),
      ("variant", entry.model?.variant), ("parameters", entry.parameters.map(String.init)),
      ("gflops_true", entry.gflops.map { "\($0.total)" }),
      ("gflops_thop", entry.gflops?.thop.map { "\($0)" }),
      ("gmacs", entry.gflops?.macs.map { "\($0)" }),
      ("data", entry.training?.data), ("sampler", entry.sampler?.name),
      ("steps", (entry.sampler?.steps).map(String.init)),
      ("cfg_scale", entry.sampler.map { "\($0.cfgScale)" }),
      ("seed", entry.sampler.map { "\($0.seed)" }), ("num", entry.num.map(String.init)),
      ("dialect", entry.dialect), ("extractor", entry.extractor?.name),
      ("reference", entry.reference?.name),
    ]
    return all.compactMap { name, value in value.map { (name, $0) } }
  }

  /// Returns a name that consists only of ASCII letters, digits, `_` and `-`, so that it is a valid
  /// key and not a path.
  static func safe(_ name: String) -> String {
    let allowed = name.map { character in
      character.isASCII && (character.isLetter || character.isNumber || "_-".contains(character))
        ? character : "_"
    }
    return allowed.isEmpty ? "_" : String(allowed)
  }

  static func uriPath(_ path: String) -> String {
    path.addingPercentEncoding(withAllowedCharacters: .urlPathAllowed) ?? path
  }

  static func write(_ text: String, to path: String) throws(Failure) {
    try Folder.create((path as NSString).deletingLastPathComponent)
    try AtomicFile.write(Array(text.utf8), to: path)
  }

  /// Writes YAML whose strings are JSON strings, which are valid in YAML.
  static func write(_ values: [(String, Value)], to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.withoutEscapingSlashes]
    let lines = try values.map { key, value in
      switch value {
      case .text(let text): "\(key): \(String(decoding: try encoder.encode(text), as: UTF8.self))"
      case .number(let number): "\(key): \(number)"
      case .none: "\(key): []"
      }
    }
    try write(lines.joined(separator: "\n") + "\n", to: path)
  }
}
