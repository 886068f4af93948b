import FeatureExtractors
import Files
import Foundation
import GenerativeMetrics
import Results
import Tensors

/// A feature extractor and the origin of its weights.
public struct LoadedExtractor: Sendable {
  /// The network.
  public let network: any FeatureExtractor
  /// The description of the extractor in results and statistics.
  public let provenance: ExtractorProvenance

  /// Loads weights, which are recognised by content. The provenance of converted weights is that of
  /// the file from which they were converted.
  ///
  /// - Parameters:
  ///   - path: The file of weights.
  ///   - precision: The number format of the network's products, if it supports it.
  /// - Throws: `Failure` (65) as ``RecognizedWeights/init(path:family:)`` and
  ///   ``RecognizedWeights/extractor(precision:dialect:)`` do, or `WeightsChanged` if converted weights
  ///   were changed afterwards; `AmbiguousExtractor` (65) for a vision network that several tools
  ///   use in different ways.
  public init(path: String, precision: Precision = .float32) throws {
    let weights = try Self.offered { () throws(Failure) in try RecognizedWeights(path: path) }
    network = try Self.offered { () throws(Failure) in try weights.extractor(precision: precision) }
    let record = try WeightsRecord(weights, path: path)
    provenance = ExtractorProvenance(
      name: network.name, file: record.sourceFile, sha256: record.sourceSha256,
      tensorsSha256: record.tensorsSha256,
      published: network.isInception ? record.published : nil,
      preprocessing: network.ownPreparation, dimension: network.featureDimension,
      precision: network.precision.recorded)
  }

  /// Returns what `body` returns, with advice for weights of vision networks, whose dialect only a program can say.
  private static func offered<Value>(
    _ body: () throws(Failure) -> Value
  ) throws(Failure) -> Value {
    do {
      return try body()
    } catch {
      guard error.code == .ambiguousExtractor else { throw error }
      throw Failure(
        .dataRefused, error.code, error.subject,
        "weights of a vision network, of which several tools compute different features; commands do not compute "
          + "them yet. A program can: load it by loadExtractor(path:dialect:family:), and give it to an evaluation"
      )
    }
  }

  /// Wraps an extractor of your own.
  ///
  /// Results name it, and the hash if there is one. Its distance is called `fd`, not `fid`, unless
  /// the extractor is named `inception-2015`.
  ///
  /// - Parameters:
  ///   - network: The extractor.
  ///   - sha256: The SHA-256 of its weights, 64 hexadecimal digits, which shows whether two results
  ///     were computed with the same extractor; nil if there is none.
  public init(_ network: any FeatureExtractor, sha256: String? = nil) {
    self.network = network
    provenance = ExtractorProvenance(
      name: network.name, sha256: sha256, published: network.isInception ? false : nil,
      preprocessing: network.ownPreparation, dimension: network.featureDimension,
      precision: network.precision.recorded)
  }

  /// Loads the matching extractor: the given weights; otherwise the file that the reference names,
  /// relative to it, whose hash is checked; otherwise the Inception weights in the user's cache,
  /// either converted or as published.
  ///
  /// - Parameters:
  ///   - weights: The file of weights given by the user, or nil.
  ///   - reference: The statistics to compare with, or nil.
  ///   - precision: The number format of the network's products, if it supports it.
  /// - Throws: `Failure` `WeightsUnavailable` (69), with the file name, its SHA-256 and where to
  ///   put it, if there are no weights, or if nothing names the extractor of statistics that
  ///   Inception cannot have made; `HashMismatch` (65) if the file that the reference names is
  ///   not the one it was made with; otherwise as ``init(path:precision:)``.
  package static func choose(
    weights: String?, reference: ReferenceStatistics?, precision: Precision = .float32
  ) throws -> LoadedExtractor {
    if let weights { return try LoadedExtractor(path: weights, precision: precision) }
    if let reference, let record = reference.record, let file = record.extractor.file {
      let path = siblingPath(of: reference.path, file)
      if FileManager.default.fileExists(atPath: path) {
        let loaded = try LoadedExtractor(path: path, precision: precision)
        guard loaded.provenance.sha256 == record.extractor.sha256 else {
          throw Failure(
            .dataRefused, .hashMismatch, path,
            "SHA-256 \(loaded.provenance.sha256 ?? "none"), but the statistics were made with "
              + "\(record.extractor.sha256 ?? "none")")
        }
        return loaded
      }
      if record.extractor.name != MetricTitle.inception {
        throw unavailable(
          file: file, sha256: record.extractor.sha256, place: path)
      }
    }
    let store = WeightStore.user
    guard let cached = store.existingPath() else {
      if let reference, reference.record == nil, reference.entry == nil,
        reference.dimension != inceptionDimension
      {
        throw Failure(
          .unavailable, .weightsUnavailable, reference.path,
          "its \(reference.dimension) dimensions are not those of Inception, and no .json beside it "
            + "names the extractor; put the .json there, or give `weights`")
      }
      throw WeightStore.unavailable(at: store.convertedPath)
    }
    return try LoadedExtractor(path: cached, precision: precision)
  }

  /// The number of features of Inception.
  private static let inceptionDimension = 2048

  private static func unavailable(file: String, sha256: String?, place: String) -> Failure {
    Failure(
      .unavailable, .weightsUnavailable, file,
      "the feature extractor's weights are missing; give `weights` FILE, or put the file with "
        + "SHA-256 \(sha256 ?? "unknown") at \(place)")
  }
}

extension FeatureExtractor {
  /// Whether this is the network whose Fréchet distance is called FID.
  package var isInception: Bool { name == MetricTitle.inception }
}
