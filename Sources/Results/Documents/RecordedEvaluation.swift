import Files
import Foundation
import GenerativeMetrics

/// The content that a result and a baseline share: the metrics, and what they were computed from.
public struct RecordedEvaluation: Sendable {
  /// The path of the document, or its name.
  public var path: String
  /// The metrics by name.
  public var metrics: [String: EvaluationResult.Metric]
  /// The metrics that the inputs did not allow, with the reason.
  public var skipped: [String: String]
  /// The metrics in every dialect, if all were requested; `metrics` is then empty.
  public var dialects: [String: EvaluationResult.DialectResult]?
  /// What the metrics were computed from.
  public var provenance: Provenance
  /// SHA-256 over the SHA-256s of all images' pixels; nil if there were no images.
  public var samplesSha256: String?
  /// The first bytes of the SHA-256s of all samples.
  public var sampleDigests: String?
  /// The seeds of the results whose means these metrics are, in ascending order; nil for one result.
  public internal(set) var seeds: [UInt64]?

  /// The role of a file, which determines the exit status of its errors.
  public enum Role: Sendable {
    /// A result; errors exit with 65.
    case result
    /// A baseline, or a result used as one; errors exit with 78.
    case baseline

    fileprivate var status: ExitStatus { self == .result ? .dataRefused : .invalidConfiguration }
    fileprivate var code: Failure.Code { self == .result ? .resultInvalid : .baselineInvalid }
  }

  /// Creates the recorded part of a result.
  public init(_ result: EvaluationResult, path: String) {
    self.path = path
    (metrics, skipped, dialects) = (result.metrics, result.skipped, result.dialects)
    (provenance, samplesSha256) = (result.provenance, result.samplesSha256)
    sampleDigests = result.sampleDigests
  }

  /// Creates the recorded part of a baseline.
  public init(_ baseline: Baseline, path: String) {
    self.path = path
    (metrics, skipped, dialects) = (baseline.metrics, [:], nil)
    (provenance, samplesSha256) = (baseline.provenance, baseline.samplesSha256)
    seeds = baseline.seeds
  }

  /// Reads a result, the results of several seeds, or a baseline for a judgement.
  ///
  /// - Throws: ``Failure`` `ResultInvalid` (65) or `BaselineInvalid` (78), by role, naming the key,
  ///   if the file is too large, is not such a document, contradicts itself, or has the metrics of
  ///   every dialect; or the error that opening or reading the file throws.
  public init(contentsOf path: String, as role: Role) throws(Failure) {
    try self.init(reading: path, as: role)
    func invalid(_ detail: String) -> Failure { Failure(role.status, role.code, path, detail) }
    guard dialects == nil else {
      throw invalid("has the metrics of every dialect; evaluate with one `dialect`")
    }
  }

  /// Reads a result, the results of several seeds, or a baseline, which may have the metrics of every
  /// dialect.
  ///
  /// - Throws: ``Failure`` `ResultInvalid` (65) or `BaselineInvalid` (78), by role, naming the key,
  ///   if the file is too large, is not such a document, or contradicts itself; or the error that
  ///   opening or reading the file throws.
  package init(reading path: String, as role: Role) throws(Failure) {
    let (status, code) = (role.status, role.code)
    func invalid(_ detail: String) -> Failure { Failure(status, code, path, detail) }
    let file = try ReadableFile(path: path)
    guard file.size <= EvaluationResult.maximumSize else {
      throw invalid("\(file.size) bytes, at most \(EvaluationResult.maximumSize) are read")
    }
    let data = Data(try file.bytes(at: 0, count: file.size))
    struct Named: Decodable { let schema: String }
    let named: Named = try decodedJSON(
      data, subject: path, what: "result", status: status, code: code)
    switch (named.schema, role) {
    case (EvaluationResult.currentSchema, _):
      self.init(
        try decodedDocument(data, subject: path, what: "result", status: status, code: code)
          as EvaluationResult, path: path)
    case (RepeatedResult.currentSchema, _):
      let repeated: RepeatedResult = try decodedDocument(
        data, subject: path, what: "document of repeats", status: status, code: code)
      do throws(Failure) {
        try self.init(repeated.readingInfluences(beside: path), path: path)
      } catch {
        throw invalid(error.detail)
      }
    case (Baseline.currentSchema, .baseline):
      self.init(
        try decodedDocument(data, subject: path, what: "baseline", status: status, code: code)
          as Baseline, path: path)
    default:
      let expected =
        [EvaluationResult.currentSchema, RepeatedResult.currentSchema]
        + (role == .baseline ? [Baseline.currentSchema] : [])
      throw invalid(
        "schema: found '\(named.schema)', expected \(expected.sorted().joined(separator: " or "))")
    }
    try metrics.readInfluences(
      beside: path, count: provenance.num.map { $0 * (seeds?.count ?? 1) })
    if let contradiction { throw invalid(contradiction) }
  }
}

extension RecordedEvaluation {
  /// Returns the jackknife of a metric; nil if there is none.
  package func jackknife(of name: String) -> Jackknife? {
    metrics[name].flatMap { metric in provenance.num.flatMap { metric.jackknife(count: $0) } }
  }

  /// The random streams that two evaluations share if sample i of both began with the same noise;
  /// nil for images of unknown origin.
  package var randomStream: [String]? {
    if let sampler = provenance.sampler {
      return (seeds ?? [sampler.seed]).map(String.init) + [sampler.stream]
    }
    if let generator = provenance.generator {
      guard generator.differs != .everything else { return nil }
      return (seeds ?? [generator.seed]).map(String.init) + [generator.stream]
    }
    return samplesSha256.map { [$0] }
  }
}
