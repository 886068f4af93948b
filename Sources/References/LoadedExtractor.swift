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
  ///   - name: The extractor that they are to be. It is needed for a vision network that several tools use in different
  ///     ways, and for one whose tensors do not show what it is.
  ///   - precision: The number format of the network's products, if it supports it.
  /// - Throws: `Failure` (65) as ``RecognizedWeights/init(path:family:)`` and
  ///   ``RecognizedWeights/extractor(precision:dialect:)`` do; `AmbiguousExtractor` (65) if a name is needed,
  ///   `ExtractorMismatch` (65) if the weights are those of another extractor, `WeightsChanged` (65) if converted
  ///   weights were changed afterwards.
  public init(path: String, name: ExtractorName? = nil, precision: Precision = .float32) throws {
    let weights = try Self.read(path, name)
    network = try Self.network(weights, path, name, precision)
    if let name, network.name != name.text { throw Self.mismatch(path, network.name, name) }
    let record = try WeightsRecord(weights, path: path)
    provenance = ExtractorProvenance(
      name: network.name, file: record.sourceFile, sha256: record.sourceSha256,
      tensorsSha256: record.tensorsSha256,
      published: network.isInception ? record.published : nil,
      preprocessing: network.ownPreparation, dimension: network.featureDimension,
      precision: network.precision.recorded)
  }

  /// Recognises weights, which are those of `name` if their tensors do not show what they are.
  ///
  /// - Throws: `Failure` as ``RecognizedWeights/init(path:family:)`` does, but `AmbiguousExtractor` (65) with advice;
  ///   `ExtractorMismatch` (65) if they are those of another network.
  static func read(
    _ path: String, _ name: ExtractorName?
  ) throws(Failure) -> RecognizedWeights {
    let weights = try recognized(path, name)
    if let name, weights.architecture != name.architecture {
      throw mismatch(path, weights.architecture, name)
    }
    return weights
  }

  private static func recognized(
    _ path: String, _ name: ExtractorName?
  ) throws(Failure) -> RecognizedWeights {
    // Only this family is not seen in the tensors.
    let told: VisionFamily? = name?.family == .mae ? .mae : nil
    do {
      return try RecognizedWeights(path: path, family: told)
    } catch {
      guard error.code == .ambiguousExtractor else { throw error }
      if let name { throw mismatch(path, "a plain vision transformer, such as MAE", name) }
      throw Failure(
        .dataRefused, error.code, path,
        "a plain vision transformer, and its tensors do not say what it was trained for; if it is the encoder of a "
          + "masked autoencoder, give `extractor` mae-vit-l-16.fdr")
    }
  }

  private static func network(
    _ weights: RecognizedWeights, _ path: String, _ name: ExtractorName?, _ precision: Precision
  ) throws(Failure) -> any FeatureExtractor {
    do {
      return try weights.extractor(precision: precision, dialect: name?.dialect)
    } catch {
      guard error.code == .ambiguousExtractor else { throw error }
      let names = VisionDialect.allCases
        .filter { dialect in weights.vision.map { dialect.applies(to: $0.family) } ?? false }
        .map { "\(weights.architecture).\($0.rawValue)" }
      throw Failure(
        .dataRefused, error.code, path,
        "weights of \(weights.architecture), of which tools compute different features; give `extractor`, one of "
          + names.joined(separator: ", "))
    }
  }

  private static func mismatch(_ path: String, _ found: String, _ name: ExtractorName) -> Failure {
    Failure(
      .dataRefused, .extractorMismatch, path,
      "weights of \(found), expected those of \(name.text), which `extractor` or the reference names"
    )
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
  /// relative to it, whose hash is checked; otherwise the weights in the user's cache, either converted or as published.
  ///
  /// - Parameters:
  ///   - weights: The file of weights given by the user, or nil.
  ///   - name: The extractor that the user asks for; nil for the one of the reference, or Inception.
  ///   - reference: The statistics to compare with, or nil.
  ///   - precision: The number format of the network's products, if it supports it.
  /// - Throws: `Failure` `WeightsUnavailable` (69), with the file name, its SHA-256 and where to
  ///   put it, if there are no weights, or if nothing names the extractor of statistics that
  ///   Inception cannot have made; `HashMismatch` (65) if the file that the reference names is
  ///   not the one it was made with; `UnknownExtractor`, `AmbiguousExtractor` or `DialectUnsupported` (64) as
  ///   ``ExtractorName/init(_:)`` does; otherwise as ``init(path:name:precision:)``.
  package static func choose(
    weights: String?, name: String? = nil, reference: ReferenceStatistics?,
    precision: Precision = .float32
  ) throws -> LoadedExtractor {
    let asked = try name.map { text throws(Failure) in try ExtractorName(text) }
    let recorded = reference?.extractor
    let wanted = asked ?? ExtractorName(recorded: recorded?.name)
    if let weights {
      return try LoadedExtractor(path: weights, name: wanted, precision: precision)
    }
    if let reference, let recorded, let file = recorded.file,
      asked == nil || asked?.text == recorded.name
    {
      let path = siblingPath(of: reference.path, file)
      if FileManager.default.fileExists(atPath: path) {
        let loaded = try LoadedExtractor(path: path, name: wanted, precision: precision)
        guard loaded.provenance.sha256 == recorded.sha256 else {
          throw Failure(
            .dataRefused, .hashMismatch, path,
            "SHA-256 \(loaded.provenance.sha256 ?? "none"), but the statistics were made with "
              + "\(recorded.sha256 ?? "none")")
        }
        return loaded
      }
      if recorded.name != MetricTitle.inception, wanted == nil {
        throw unavailable(file: file, sha256: recorded.sha256, place: path)
      }
    }
    let store = WeightStore.user
    if let wanted, wanted.dialect != nil {
      let (path, published) = try store.existingFile(of: wanted)
      let loaded = try LoadedExtractor(path: path, name: wanted, precision: precision)
      if let expected = published.sha256, loaded.provenance.sha256 != expected {
        throw Failure(
          .dataRefused, .hashMismatch, path,
          "SHA-256 \(loaded.provenance.sha256 ?? "none"), the published file has \(expected); give other weights by "
            + "`weights`, or run dis-eval weights fetch \(published.name)")
      }
      return loaded
    }
    guard let cached = store.existingPath() else {
      if let reference, reference.extractor == nil,
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
