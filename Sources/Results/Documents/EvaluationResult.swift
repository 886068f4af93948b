import Files
import Foundation

/// What one evaluation found, in the form that is written as JSON.
///
/// `metrics`, `provenance` and `samplesSha256` are byte-identical between runs that should agree;
/// everything that may differ (time, host, threads, arguments) stands in `run`.
public struct EvaluationResult: Codable, Sendable {
  /// Name and version of this form.
  public var schema = EvaluationResult.currentSchema
  /// The metrics by name: `fid` and `is` for the Inception-2015 graph, `fd` and `cs` for any other
  /// extractor.
  public var metrics: [String: Metric]
  /// Metrics that the inputs cannot give, with the reason.
  public var skipped: [String: String]
  /// The metrics in every dialect, when all were asked for; `metrics` is then empty.
  public var dialects: [String: DialectResult]?
  /// What the numbers were made from.
  public var provenance: Provenance
  /// SHA-256 over the SHA-256s of all images' pixels in index order, nil when there were no images.
  public var samplesSha256: String?
  /// The first three bytes of the SHA-256 of every sample's pixels, four characters of base64 a sample;
  /// nil when no checkpoint was sampled.
  public var sampleDigests: String?
  /// What may differ between runs that agree.
  public var run: Run

  package init(
    metrics: [String: Metric], skipped: [String: String],
    dialects: [String: DialectResult]? = nil, provenance: Provenance,
    samplesSha256: String? = nil, sampleDigests: String? = nil, run: Run
  ) {
    self.metrics = metrics
    self.skipped = skipped
    self.dialects = dialects
    self.provenance = provenance
    self.samplesSha256 = samplesSha256
    self.sampleDigests = sampleDigests
    self.run = run
  }

  package static let currentSchema = "dis-eval-result/1"

  /// The document, sorted and indented, with a final newline.
  public func json() throws -> [UInt8] { try encodedJSON(self) }
}

// MARK: - Reading

extension EvaluationResult {
  /// The most bytes of a result.
  static let maximumSize = 1 << 24

  /// Reads a result that was written as JSON.
  ///
  /// - Throws: `Failure` `ResultInvalid` (65) naming the key, or that of reading.
  public init(contentsOf path: String) throws(Failure) {
    try self.init(json: Self.bytes(of: path), subject: path)
  }

  /// Reads the bytes of a result.
  ///
  /// - Parameter subject: The file, for messages.
  /// - Throws: `Failure` `ResultInvalid` (65) naming the key.
  package init(json bytes: [UInt8], subject: String) throws(Failure) {
    self = try decodedDocument(
      Data(bytes), subject: subject, what: "result", code: .resultInvalid)
    guard schema == Self.currentSchema else {
      throw Failure(
        .dataRefused, .resultInvalid, subject,
        "schema '\(schema)', this version reads \(Self.currentSchema)")
    }
  }

  /// The content of a result's file.
  package static func bytes(of path: String) throws(Failure) -> [UInt8] {
    let file = try ReadableFile(path: path)
    guard file.size <= maximumSize else {
      throw Failure(
        .dataRefused, .resultInvalid, path, "\(file.size) bytes are more than a result has")
    }
    return try file.bytes(at: 0, count: file.size)
  }
}

/// The metrics in one dialect.
public struct DialectResult: Codable, Sendable {
  /// The metrics by name.
  public var metrics: [String: Metric] = [:]
  /// Metrics that the inputs cannot give, with the reason.
  public var skipped: [String: String] = [:]
  /// How images become the extractor's input.
  public var preprocessing: String
  /// Whether the mean is summed in `float32` or `float64`.
  public var meanPrecision: String
  /// The covariance is divided by the number of images less this.
  public var ddof: Int

  package init(preprocessing: String, meanPrecision: String, ddof: Int) {
    self.preprocessing = preprocessing
    self.meanPrecision = meanPrecision
    self.ddof = ddof
  }
}

/// What may differ between runs that agree.
public struct Run: Codable, Sendable {
  /// The command's arguments.
  public var arguments: [String]
  /// What was asked for; nil in results of 0.5.0 and earlier.
  public var request: EvaluationRequest?
  /// Workers.
  public var threads: Int
  /// Images in flight.
  public var batch: Int
  /// Start in UTC, ISO 8601.
  public var started: String
  /// Wall time in seconds.
  public var seconds: Double
  /// Name of the machine.
  public var host: String

  package init(
    arguments: [String], request: EvaluationRequest?, threads: Int, batch: Int, started: String,
    seconds: Double, host: String
  ) {
    self.arguments = arguments
    self.request = request
    self.threads = threads
    self.batch = batch
    self.started = started
    self.seconds = seconds
    self.host = host
  }
}
