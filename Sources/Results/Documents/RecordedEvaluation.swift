import Files
import Foundation
import GenerativeMetrics

/// The content that a result and a baseline share: the metrics, and what they were computed from.
public struct RecordedEvaluation: Sendable {
  /// The path of the document, or its name.
  public var path: String
  /// The metrics by name.
  public var metrics: [String: Metric]
  /// The metrics that the inputs did not allow, with the reason.
  public var skipped: [String: String]
  /// The metrics in every dialect, if all were requested; `metrics` is then empty.
  public var dialects: [String: DialectResult]?
  /// What the metrics were computed from.
  public var provenance: Provenance
  /// SHA-256 over the SHA-256s of all images' pixels; nil if there were no images.
  public var samplesSha256: String?
  /// The first bytes of the SHA-256s of all samples.
  public var sampleDigests: String?

  /// The role of a file, which determines the exit status of its errors.
  public enum Role: Sendable {
    /// A result; errors exit with 65.
    case result
    /// A baseline, or a result used as one; errors exit with 78.
    case baseline
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
  }

  /// Reads a result or a baseline for a judgement.
  ///
  /// - Throws: ``Failure`` `ResultInvalid` (65) or `BaselineInvalid` (78), by role, naming the key,
  ///   if the file is too large, is not such a document, contradicts itself, or has the metrics of
  ///   every dialect; or the error that opening or reading the file throws.
  public init(contentsOf path: String, as role: Role) throws(Failure) {
    let (status, code): (ExitStatus, Failure.Code) =
      switch role {
      case .result: (.dataRefused, .resultInvalid)
      case .baseline: (.invalidConfiguration, .baselineInvalid)
      }
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
    case (Baseline.currentSchema, .baseline):
      self.init(
        try decodedDocument(data, subject: path, what: "baseline", status: status, code: code)
          as Baseline, path: path)
    default:
      let expected =
        [EvaluationResult.currentSchema] + (role == .baseline ? [Baseline.currentSchema] : [])
      throw invalid(
        "schema: found '\(named.schema)', expected \(expected.sorted().joined(separator: " or "))")
    }
    guard dialects == nil else {
      throw invalid("has the metrics of every dialect; evaluate with one `dialect`")
    }
    if let contradiction { throw invalid(contradiction) }
  }
}

extension RecordedEvaluation {
  /// Returns the jackknife of a metric; nil if there is none.
  package func jackknife(of name: String) -> Jackknife? {
    metrics[name].flatMap { metric in provenance.num.flatMap { metric.jackknife(count: $0) } }
  }
}
