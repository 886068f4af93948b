import Files
import Foundation

/// How close decoded images are to their originals, in the form written as JSON.
///
/// Everything but `run` is byte-identical between runs that should agree.
public struct ReconstructionResult: Codable, Sendable {
  /// The name and version of the document format.
  public var schema = ReconstructionResult.currentSchema
  /// The metrics by name: `rfid`, `psnr`, `ssim` and `lpips`.
  public var metrics: [String: Metric]
  /// The metrics that the images do not allow, with the reason.
  public var skipped: [String: String]
  /// The number of pairs whose images are equal.
  public var equalPairs: Int
  /// The metric that ``worst`` is sorted by; nil if no metric of single pairs was computed.
  public var worstBy: String?
  /// The pairs that are least alike, the worst first.
  public var worst: [Pair]
  /// What the metrics were computed from.
  public var provenance: Provenance
  /// The SHA-256 over the SHA-256s of the pixels of all decoded images, in the order of the pairs.
  public var samplesSha256: String
  /// Information that may differ between runs that agree.
  public var run: EvaluationResult.Run

  /// The name and version of the format that this version reads and writes.
  package static let currentSchema = "dis-eval-reconstruction/1"

  /// Creates a result of this version from its properties.
  ///
  /// - Parameters:
  ///   - metrics: The metrics by name.
  ///   - skipped: The metrics that the images do not allow, with the reason.
  ///   - equalPairs: The number of pairs whose images are equal.
  ///   - worstBy: The metric that the worst pairs are sorted by; nil if there is none.
  ///   - worst: The pairs that are least alike, the worst first.
  ///   - provenance: What the metrics were computed from.
  ///   - samplesSha256: The SHA-256 over the SHA-256s of the pixels of all decoded images.
  ///   - run: Information that may differ between runs that agree.
  package init(
    metrics: [String: Metric], skipped: [String: String], equalPairs: Int, worstBy: String?,
    worst: [Pair], provenance: Provenance, samplesSha256: String, run: EvaluationResult.Run
  ) {
    (self.metrics, self.skipped, self.equalPairs) = (metrics, skipped, equalPairs)
    (self.worstBy, self.worst, self.provenance) = (worstBy, worst, provenance)
    (self.samplesSha256, self.run) = (samplesSha256, run)
  }

  /// Returns the document as JSON with sorted keys, indented, with a final newline.
  ///
  /// - Throws: `EncodingError` if a number is not finite.
  public func json() throws -> [UInt8] { try encodedJSON(self) }

  /// Reads a result from JSON.
  ///
  /// - Throws: `Failure` `ResultInvalid` (65), naming the key, if the file is too large or is not a result of this
  ///   version, or the error that opening or reading the file throws.
  public init(contentsOf path: String) throws(Failure) {
    self = try decodedDocument(
      Data(EvaluationResult.bytes(of: path)), subject: path, what: "result of a reconstruction",
      code: .resultInvalid)
    guard schema == Self.currentSchema else {
      throw Failure(
        .dataRefused, .resultInvalid, path,
        "schema '\(schema)', this version reads \(Self.currentSchema)")
    }
  }
}

// MARK: - Parts

extension ReconstructionResult {
  /// The value of one metric, and how much it would vary between draws of images.
  public struct Metric: Codable, Sendable {
    /// The distance of the two sets of images for `rfid`, otherwise the mean over the pairs.
    public var value: Double
    /// The interval for the expected value; nil if there is none.
    @EncodedNull public var interval: ClosedRange<Double>?
    /// The reason there is no interval.
    public var intervalReason: String?
    /// The probability with which such an interval contains the expected value; nil if there is no interval.
    public var confidence: Double?
    /// The method that computed the interval.
    public var intervalMethod: String?
    /// The estimated standard deviation of ``value``; nil if there is no interval.
    public var standardError: Double?
    /// The standard deviation over the pairs; nil for `rfid` and for a single pair.
    public var standardDeviation: Double?
    /// Whether a higher value is better.
    public var higherIsBetter: Bool

    /// Creates a metric without an interval.
    ///
    /// - Parameters:
    ///   - value: The value.
    ///   - higherIsBetter: Whether a higher value is better.
    ///   - intervalReason: The reason there is no interval.
    package init(_ value: Double, higherIsBetter: Bool, intervalReason: String) {
      (self.value, self.higherIsBetter) = (value, higherIsBetter)
      self.intervalReason = intervalReason
    }

    /// Creates a metric with an interval of 95 %.
    ///
    /// - Parameters:
    ///   - value: The value.
    ///   - higherIsBetter: Whether a higher value is better.
    ///   - interval: The interval for the expected value.
    ///   - method: The method that computed it.
    ///   - standardError: The estimated standard deviation of the value.
    ///   - standardDeviation: The standard deviation over the pairs; nil for `rfid`.
    package init(
      _ value: Double, higherIsBetter: Bool, interval: ClosedRange<Double>, confidence: Double,
      method: String, standardError: Double, standardDeviation: Double? = nil
    ) {
      (self.value, self.higherIsBetter) = (value, higherIsBetter)
      self.interval = interval
      self.confidence = confidence
      intervalMethod = method
      self.standardError = standardError
      self.standardDeviation = standardDeviation
    }
  }

  /// The metrics of one pair.
  public struct Pair: Codable, Equatable, Sendable {
    /// The name of the decoded image, or its index in an array.
    public var name: String
    /// The peak signal-to-noise ratio in decibels; nil if it was not computed or is infinite.
    public var psnr: Double?
    /// The structural similarity; nil if it was not computed.
    public var ssim: Double?
    /// The learned perceptual distance; nil if it was not computed.
    public var lpips: Double?

    /// Creates a record of a pair.
    ///
    /// - Parameters:
    ///   - name: The name of the decoded image.
    ///   - psnr: The peak signal-to-noise ratio in decibels, or nil.
    ///   - ssim: The structural similarity, or nil.
    ///   - lpips: The learned perceptual distance, or nil.
    package init(name: String, psnr: Double?, ssim: Double?, lpips: Double?) {
      (self.name, self.psnr, self.ssim, self.lpips) = (name, psnr, ssim, lpips)
    }
  }

  /// What a reconstruction's metrics were computed from.
  public struct Provenance: Codable, Sendable {
    /// The name and version of the tool.
    public var tool: String
    /// The instruction set and the library, which determine the last bits.
    public var kernels: String
    /// The code whose definitions were followed: `rae`, `lightningdit` or `1d-tokenizer`.
    public var `protocol`: String
    /// The dialect of rFID; nil if it was not computed.
    public var dialect: String?
    /// The number of pairs.
    public var num: Int
    /// How the originals were made squares, such as `adm 256`; nil if they were taken as they are.
    public var crop: String?
    /// The decoded images. Their SHA-256 is over the SHA-256s of their pixels in the order of the pairs.
    public var images: ReferenceProvenance
    /// The originals, likewise.
    public var reference: ReferenceProvenance
    /// The extractor of rFID; nil if it was not computed.
    public var extractor: ExtractorProvenance?
    /// The weights of LPIPS; nil if it was not computed.
    public var perceptual: PerceptualProvenance?
    /// The warnings issued.
    public var warnings: [String]

    /// Creates a provenance from its properties.
    ///
    /// - Parameters:
    ///   - tool: The name and version of the tool.
    ///   - kernels: The instruction set and the library.
    ///   - protocol: The code whose definitions were followed.
    ///   - dialect: The dialect of rFID; nil if it was not computed.
    ///   - num: The number of pairs.
    ///   - crop: How the originals were made squares; nil if they were taken as they are.
    ///   - images: The decoded images.
    ///   - reference: The originals.
    ///   - extractor: The extractor of rFID; nil if it was not computed.
    ///   - perceptual: The weights of LPIPS; nil if it was not computed.
    ///   - warnings: The warnings issued.
    package init(
      tool: String, kernels: String, protocol: String, dialect: String?, num: Int, crop: String?,
      images: ReferenceProvenance, reference: ReferenceProvenance, extractor: ExtractorProvenance?,
      perceptual: PerceptualProvenance?, warnings: [String]
    ) {
      (self.tool, self.kernels, self.protocol) = (tool, kernels, `protocol`)
      (self.dialect, self.num, self.crop) = (dialect, num, crop)
      (self.images, self.reference) = (images, reference)
      (self.extractor, self.perceptual, self.warnings) = (extractor, perceptual, warnings)
    }
  }
}

/// The two files with the weights of LPIPS.
public struct PerceptualProvenance: Codable, Equatable, Sendable {
  /// A file of weights.
  public struct File: Codable, Equatable, Sendable {
    /// The name of the file.
    public var file: String
    /// The SHA-256 of the file.
    public var sha256: String
    /// Whether that SHA-256 is a published one.
    public var published: Bool

    /// Creates a record of a file.
    ///
    /// - Parameters:
    ///   - file: The name of the file.
    ///   - sha256: The SHA-256 of the file.
    ///   - published: Whether that SHA-256 is a published one.
    package init(file: String, sha256: String, published: Bool) {
      (self.file, self.sha256, self.published) = (file, sha256, published)
    }
  }

  /// The convolutions of VGG16.
  public var network: File
  /// The weights of the channels.
  public var channelWeights: File

  /// Creates a record of both files.
  ///
  /// - Parameters:
  ///   - network: The convolutions of VGG16.
  ///   - channelWeights: The weights of the channels.
  package init(network: File, channelWeights: File) {
    (self.network, self.channelWeights) = (network, channelWeights)
  }
}
