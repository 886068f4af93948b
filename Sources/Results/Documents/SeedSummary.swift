import Files
import Foundation

/// A metric of one checkpoint over ranges of seeds.
public struct SeedSummary: Codable, Sendable {
  /// What the checkpoint is called.
  public var name: String
  /// The metric.
  public var metric: String
  /// The values by ascending seed.
  public var values: [Double]
  /// Their mean.
  public var mean: Double
  /// Their standard deviation, with one degree of freedom less than values.
  public var standardDeviation: Double
  /// The smallest. Alone it says how often was tried rather than how good the model is.
  public var min: Double
  /// The largest.
  public var max: Double

  /// Summarizes values, nil of fewer than two.
  package init?(name: String, metric: String, values: [Double]) {
    guard values.count > 1, let least = values.min(), let most = values.max() else { return nil }
    let mean = values.reduce(0, +) / Double(values.count)
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    (self.name, self.metric, self.values, self.mean) = (name, metric, values, mean)
    standardDeviation = (squares / Double(values.count - 1)).squareRoot()
    (min, max) = (least, most)
  }
}

/// Results of one checkpoint that differ in the range of seeds alone.
public struct RepeatedResult: Codable, Sendable {
  /// Name and version of this form.
  public var schema = RepeatedResult.currentSchema
  /// The results by ascending seed.
  public var results: [EvaluationResult]
  /// Every metric over all of them.
  public var summaries: [SeedSummary]

  package static let currentSchema = "dis-eval-repeats/1"

  /// Reads the bytes of a document.
  ///
  /// - Parameter subject: The file, for messages.
  /// - Throws: `Failure` `ResultInvalid` (65) naming the key.
  package init(json bytes: [UInt8], subject: String) throws(Failure) {
    self = try decodedDocument(
      Data(bytes), subject: subject, what: "document of repeats", code: .resultInvalid)
  }

  /// Combines results that differ only in their seeds.
  public init(_ results: [EvaluationResult]) {
    self.results = results
    let name = results.first?.provenance.checkpoint?.file ?? ""
    summaries = Set(results.flatMap(\.metrics.keys)).sorted().compactMap { metric in
      SeedSummary(
        name: name, metric: metric, values: results.compactMap { $0.metrics[metric]?.value })
    }
  }

  /// The document, sorted and indented, with a final newline.
  public func json() throws -> [UInt8] { try encodedJSON(self) }
}
