import Files
import Foundation

/// A metric of one checkpoint over ranges of seeds.
public struct SeedSummary: Codable, Sendable {
  /// The name of the checkpoint.
  public var name: String
  /// The name of the metric.
  public var metric: String
  /// The values, in ascending order of seeds.
  public var values: [Double]
  /// The mean of the values.
  public var mean: Double
  /// The standard deviation of the values, with one degree of freedom fewer than values.
  public var standardDeviation: Double
  /// The smallest value. By itself it reflects the number of attempts rather than the quality of
  /// the model.
  public var min: Double
  /// The largest value.
  public var max: Double

  /// Summarizes the values of one metric; nil for fewer than two.
  ///
  /// - Parameters:
  ///   - name: The name of the checkpoint.
  ///   - metric: The name of the metric.
  ///   - values: The values, in ascending order of seeds.
  package init?(name: String, metric: String, values: [Double]) {
    guard values.count > 1, let least = values.min(), let most = values.max() else { return nil }
    let mean = values.reduce(0, +) / Double(values.count)
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    (self.name, self.metric, self.values, self.mean) = (name, metric, values, mean)
    standardDeviation = (squares / Double(values.count - 1)).squareRoot()
    (min, max) = (least, most)
  }
}

/// Results of one checkpoint that differ only in the range of seeds.
public struct RepeatedResult: Codable, Sendable {
  /// Name and version of this form.
  public var schema = RepeatedResult.currentSchema
  /// The results by ascending seed.
  public var results: [EvaluationResult]
  /// A summary of every metric over all results.
  public var summaries: [SeedSummary]

  /// The name and version of the format that this version reads and writes.
  package static let currentSchema = "dis-eval-repeats/1"

  /// Reads results of several seeds from the bytes of their JSON.
  ///
  /// - Parameters:
  ///   - bytes: The document, in UTF-8.
  ///   - subject: The file, for messages.
  /// - Throws: `Failure` `ResultInvalid` (65) naming the key.
  package init(json bytes: [UInt8], subject: String) throws(Failure) {
    self = try decodedDocument(
      Data(bytes), subject: subject, what: "document of repeats", code: .resultInvalid)
  }

  /// Combines results that differ only in their seeds.
  ///
  /// - Parameter results: The results by ascending seed, all of the same checkpoint.
  public init(_ results: [EvaluationResult]) {
    self.results = results
    let name = results.first?.provenance.subjectName ?? ""
    summaries = Set(results.flatMap(\.metrics.keys)).sorted().compactMap { metric in
      SeedSummary(
        name: name, metric: metric, values: results.compactMap { $0.metrics[metric]?.value })
    }
  }

  /// Returns the document as JSON with sorted keys, indented, with a final newline.
  ///
  /// - Throws: `EncodingError` if a number is not finite.
  public func json() throws -> [UInt8] { try encodedJSON(self) }
}

extension RepeatedResult {
  /// Returns the document with the influences whose files are beside it.
  func readingInfluences(beside path: String) throws(Failure) -> RepeatedResult {
    var document = self
    for index in results.indices {
      try document.results[index].metrics.readInfluences(
        beside: path, count: results[index].provenance.num)
    }
    return document
  }

  /// Writes the document, and the influences of the images on its distances beside it, in files that are
  /// named by their hashes.
  ///
  /// - Parameters:
  ///   - path: The path of the document.
  ///   - warn: Called with a sentence if influences cannot be written. The document then stands without them.
  /// - Throws: `Failure` (73, 74, 77) if the document cannot be written; `EncodingError` if a number is not
  ///   finite.
  public func write(to path: String, warn: (String) -> Void) throws {
    try AtomicFile.write(try json(), to: path)
    for result in results { result.metrics.writeInfluences(beside: path, warn: warn) }
  }
}
