import Images

/// What an extractor says of one image.
public struct ExtractedFeatures: Equatable, Sendable {
  /// The pooled feature vector.
  public let features: [Float]
  /// Class logits as the Inception Score of this extractor uses them.
  public let logits: [Float]

  /// Wraps the two vectors.
  public init(features: [Float], logits: [Float]) {
    self.features = features
    self.logits = logits
  }
}

/// A network that turns an image into a feature vector. Immutable after loading, so it is shared
/// between threads as it is; one image at a time, so that a result never depends on its neighbours.
public protocol FeatureExtractor: Sendable {
  /// The architecture's name in statistics files and results, such as `inception-2015`.
  var name: String { get }
  /// Length of ``ExtractedFeatures/features``.
  var featureDimension: Int { get }
  /// Length of ``ExtractedFeatures/logits``.
  var classCount: Int { get }
  /// Preprocessing in one line, for provenance.
  var preprocessing: String { get }

  /// Features and logits of `image`.
  func callAsFunction(_ image: Image) throws -> ExtractedFeatures
}
