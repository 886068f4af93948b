import Files
import Foundation
import GenerativeMetrics
import Results

/// A result file or a baseline: the metrics, and everything else as it stands in the file.
public struct ScoredResult: Sendable {
  /// What the file is for, which decides how its errors end.
  public enum Role: Sendable {
    /// `dis-eval-result/1`; errors exit 65.
    case result
    /// `dis-eval-baseline/1`, or a result taken for one; errors exit 78.
    case baseline
  }

  /// What a gate reads of a metric.
  struct Metric: Decodable, Sendable {
    var value: Double
    var interval: [Double]?
    var intervalReason: String?
    var confidence: Double?
    var bias: Double?
    var higherIsBetter: Bool
    var definition: String?
    var referenceCount: Int?
    /// What the document says; ``ScoredResult/jackknife(of:)`` is what follows from it.
    var jackknife: LeftOut?
    var factorizations: [Factorization]?
  }

  /// Values of a metric with one group of samples left out.
  struct LeftOut: Decodable, Sendable {
    var groups: Int?
    var values: [Double]
  }

  /// How a covariance was factored, the samples' first.
  struct Factorization: Decodable, Sendable {
    var method: String
  }

  /// The path as given.
  public let path: String
  let metrics: [String: Metric]
  /// Why metrics are missing.
  let skipped: [String: String]
  /// Number of samples, nil when it is not known.
  let count: Int?
  let tree: JSONValue

  /// Bytes that a file may have.
  static let largestFile = 1 << 24

  /// Reads a file.
  ///
  /// - Throws: ``Failure`` `ResultInvalid` (65) or `BaselineInvalid` (78) with the key, also for a
  ///   document that contradicts itself; that of reading.
  public init(contentsOf path: String, as role: Role) throws(Failure) {
    let file = try ReadableFile(path: path)
    // One byte more is enough to refuse it.
    let bytes = try file.bytes(at: 0, count: min(file.size, Self.largestFile + 1))
    try self.init(json: bytes, path: path, as: role)
  }

  /// Reads the bytes of a file.
  ///
  /// - Parameter path: What it is called.
  /// - Throws: ``Failure`` `ResultInvalid` (65) or `BaselineInvalid` (78) with the key.
  public init(json bytes: [UInt8], path: String, as role: Role) throws(Failure) {
    let (status, code, schemas): (ExitStatus, String, Set<String>) =
      switch role {
      case .result: (.dataRefused, "ResultInvalid", ["dis-eval-result/1"])
      case .baseline:
        (.invalidConfiguration, "BaselineInvalid", [Baseline.schema, "dis-eval-result/1"])
      }
    func invalid(_ detail: String) -> Failure { Failure(status, code, path, detail) }
    guard bytes.count <= Self.largestFile else {
      throw invalid("\(bytes.count) bytes are more than the \(Self.largestFile) of a result")
    }
    let data = Data(bytes)
    let document: Document
    do {
      try checkUniqueKeys(bytes)
      let decoder = JSONDecoder()
      tree = try decoder.decode(JSONValue.self, from: data)
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      document = try decoder.decode(Document.self, from: data)
    } catch {
      throw invalid("is not a result: \(Self.place(error))")
    }
    guard schemas.contains(document.schema) else {
      throw invalid(
        "schema: found '\(document.schema)', expected \(schemas.sorted().joined(separator: " or "))"
      )
    }
    guard document.dialects == nil else {
      throw invalid("has the metrics of every dialect; evaluate with one --dialect")
    }
    if let problem = document.contradiction { throw invalid(problem) }
    self.path = path
    metrics = document.metrics
    skipped = document.skipped ?? [:]
    count = document.provenance?.num
  }

  struct Document: Decodable {
    struct Provenance: Decodable {
      struct Extractor: Decodable { var name: String? }
      var num: Int?
      var extractor: Extractor?
    }
    var schema: String
    var metrics: [String: Metric]
    var skipped: [String: String]?
    var dialects: [String: JSONValue]?
    var provenance: Provenance?
    var sampleDigests: String?
  }

  /// Where in the document an error of decoding is, and what it is.
  private static func place(_ error: any Error) -> String {
    let (context, key): (DecodingError.Context, String?)
    switch error {
    case DecodingError.keyNotFound(let missing, let found):
      (context, key) = (found, missing.stringValue)
    case DecodingError.typeMismatch(_, let found), DecodingError.valueNotFound(_, let found),
      DecodingError.dataCorrupted(let found):
      (context, key) = (found, nil)
    default: return "\(error)"
    }
    let path = context.codingPath.map(\.stringValue) + [key].compactMap(\.self)
    return "\(path.isEmpty ? "" : path.joined(separator: ".") + ": ")\(context.debugDescription)"
  }

  /// The jackknife of a metric, nil when the result has none.
  func jackknife(of name: String) -> Jackknife? {
    metrics[name].flatMap { metric in count.flatMap { metric.jackknife(count: $0) } }
  }

  /// What the values depend on besides the samples, by its place in the file.
  ///
  /// Neither the checkpoint nor what belongs to it, which is what a gate judges, nor names of files.
  var conditions: [String: String] {
    let leaves = tree["provenance"]?.leaves().filter { Self.isCondition($0.path) } ?? []
    var conditions = Dictionary(leaves.map { ($0.path, $0.value.shown) }) { first, _ in first }
    // The same tensors in a file of another format.
    if conditions["extractor.tensors_sha256"] != nil { conditions["extractor.sha256"] = nil }
    return conditions
  }

  private static func isCondition(_ path: String) -> Bool {
    switch path {
    case "dialect", "num", "reference.sha256", "reference.count", "reference.dialect": true
    case "extractor.file", "sampler.prediction", "sampler.seed", "sampler.stream": false
    // It follows from the other settings, and older results do not say it.
    case "sampler.network_evaluations": false
    default:
      ["extractor.", "sampler.", "allowed_mismatches."].contains { path.hasPrefix($0) }
    }
  }

  /// What two results share when sample i of both began with the same noise, nil for images of unknown
  /// origin.
  var randomStream: [JSONValue]? {
    guard let sampler = tree["provenance"]?["sampler"], let seed = sampler["seed"],
      let stream = sampler["stream"]
    else { return tree["samples_sha256"].map { [$0] } }
    return [seed, stream]
  }
}
