import Files
import Foundation

/// The result of one evaluation, in the form written as JSON.
///
/// `metrics`, `provenance` and `samplesSha256` are byte-identical between runs that should agree.
/// Everything that may differ (time, host, threads, arguments) is in `run`.
public struct EvaluationResult: Codable, Sendable {
  /// The name and version of the document format.
  public var schema = EvaluationResult.currentSchema
  /// The metrics by name: `fid` and `is` for the Inception-2015 graph, `fd` and `cs` for other
  /// extractors.
  public var metrics: [String: Metric]
  /// The metrics that the inputs do not allow, with the reason.
  public var skipped: [String: String]
  /// The metrics in every dialect, if all were requested; `metrics` is then empty.
  public var dialects: [String: DialectResult]?
  /// What the images are like beside the metrics; nil unless all metrics were requested in one dialect.
  public var diagnosis: Diagnosis?
  /// What the metrics were computed from.
  public var provenance: Provenance
  /// SHA-256 over the SHA-256s of all images' pixels in index order; nil if there were no images.
  public var samplesSha256: String?
  /// The first three bytes of the SHA-256 of every sample's pixels, as four base64 characters per
  /// sample; nil if no checkpoint was sampled.
  public var sampleDigests: String?
  /// The mean brightness of the four quarters of every sample, a byte each, in base64; nil unless a
  /// generator made the samples that does not repeat their last bits.
  public var sampleMeans: String?
  /// Information that may differ between runs that agree.
  public var run: Run

  /// Creates a result of this version from its properties.
  ///
  /// - Parameters:
  ///   - metrics: The metrics by name: `fid` and `is` for the Inception-2015 graph, `fd` and `cs`
  ///     for other extractors.
  ///   - skipped: The metrics that the inputs do not allow, with the reason.
  ///   - dialects: The metrics in every dialect, if all were requested; `metrics` is then empty.
  ///   - provenance: What the metrics were computed from.
  ///   - samplesSha256: SHA-256 over the SHA-256s of all images' pixels in index order; nil if
  ///     there were no images.
  ///   - sampleDigests: The first three bytes of the SHA-256 of every sample's pixels, as four
  ///     base64 characters per sample; nil if no checkpoint was sampled.
  ///   - sampleMeans: The mean brightness of the four quarters of every sample, in base64.
  ///   - run: Information that may differ between runs that agree.
  package init(
    metrics: [String: Metric], skipped: [String: String],
    dialects: [String: DialectResult]? = nil, provenance: Provenance,
    samplesSha256: String? = nil, sampleDigests: String? = nil, sampleMeans: String? = nil,
    run: Run
  ) {
    self.metrics = metrics
    self.skipped = skipped
    self.dialects = dialects
    self.provenance = provenance
    self.samplesSha256 = samplesSha256
    self.sampleDigests = sampleDigests
    self.sampleMeans = sampleMeans
    self.run = run
  }

  /// The name and version of the format that this version reads and writes.
  package static let currentSchema = "dis-eval-result/1"

  /// Returns the document as JSON with sorted keys, indented, with a final newline.
  ///
  /// - Throws: `EncodingError` if a number is not finite.
  public func json() throws -> [UInt8] { try encodedJSON(self) }
}

// MARK: - Reading

extension EvaluationResult {
  /// The maximum size of a result in bytes.
  static let maximumSize = 1 << 24

  /// Reads a result from JSON.
  ///
  /// - Throws: `Failure` `ResultInvalid` (65), naming the key, if the file is too large or is not a
  ///   result of this version, or the error that opening or reading the file throws.
  public init(contentsOf path: String) throws(Failure) {
    try self.init(json: Self.bytes(of: path), subject: path)
  }

  /// Reads a result from the bytes of its JSON.
  ///
  /// - Parameters:
  ///   - bytes: The document, in UTF-8.
  ///   - subject: The file, for messages.
  /// - Throws: `Failure` `ResultInvalid` (65), naming the key, if the bytes are not a result of
  ///   this version.
  package init(json bytes: [UInt8], subject: String) throws(Failure) {
    guard documentSchema(of: bytes) != JointResult.currentSchema else {
      throw Failure(
        .dataRefused, .resultInvalid, subject,
        "holds the results of several extractors; give one of those that `out` wrote")
    }
    self = try decodedDocument(
      Data(bytes), subject: subject, what: "result", code: .resultInvalid)
    guard schema == Self.currentSchema else {
      throw Failure(
        .dataRefused, .resultInvalid, subject,
        "schema '\(schema)', this version reads \(Self.currentSchema)")
    }
  }

  /// Returns the contents of a result's file.
  ///
  /// - Throws: `Failure` `ResultInvalid` (65) if the file is larger than ``maximumSize``, or the
  ///   error that opening or reading the file throws.
  package static func bytes(of path: String) throws(Failure) -> [UInt8] {
    let file = try ReadableFile(path: path)
    guard file.size <= maximumSize else {
      throw Failure(
        .dataRefused, .resultInvalid, path, "\(file.size) bytes are more than a result has")
    }
    return try file.bytes(at: 0, count: file.size)
  }
}

// MARK: - Parts

extension EvaluationResult {
  /// The metrics in one dialect.
  public struct DialectResult: Codable, Sendable {
    /// The metrics by name.
    public var metrics: [String: Metric] = [:]
    /// The metrics that the inputs do not allow, with the reason.
    public var skipped: [String: String] = [:]
    /// How images are converted to the extractor's input.
    public var preprocessing: String
    /// Whether the mean is summed in `float32` or `float64`.
    public var meanPrecision: String
    /// The number subtracted from the number of images in the divisor of the covariance.
    public var ddof: Int

    /// Creates a dialect without metrics.
    ///
    /// - Parameters:
    ///   - preprocessing: How images are converted to the extractor's input.
    ///   - meanPrecision: Whether the mean is summed in `float32` or `float64`.
    ///   - ddof: The number subtracted from the number of images in the divisor of the covariance.
    package init(preprocessing: String, meanPrecision: String, ddof: Int) {
      self.preprocessing = preprocessing
      self.meanPrecision = meanPrecision
      self.ddof = ddof
    }
  }

  /// Information that may differ between runs that agree.
  public struct Run: Codable, Sendable {
    /// The command's arguments.
    public var arguments: [String]
    /// The request; nil if images were in memory, and in results of version 0.5.0 and earlier.
    public var request: EvaluationRequest?
    /// The number of workers.
    public var threads: Int
    /// The number of images in flight.
    public var batch: Int
    /// The start time in UTC, ISO 8601.
    public var started: String
    /// The wall time in seconds.
    public var seconds: Double
    /// The name of the machine.
    public var host: String

    /// Creates a record of a run from its properties.
    ///
    /// - Parameters:
    ///   - arguments: The command's arguments.
    ///   - request: The request; nil in results of version 0.5.0 and earlier.
    ///   - threads: The number of workers.
    ///   - batch: The number of images in flight.
    ///   - started: The start time in UTC, ISO 8601.
    ///   - seconds: The wall time in seconds.
    ///   - host: The name of the machine.
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
}
