import Images
import Tensors

/// What an extractor says of one image.
public struct ExtractedFeatures: Equatable, Sendable {
  /// The pooled feature vector.
  public let features: [Float]
  /// Class logits as the Inception Score of this extractor uses them.
  public let logits: [Float]
  /// The features of sFID, which keep their positions; empty for an extractor that has none.
  public let spatial: [Float]

  /// Wraps the vectors.
  public init(features: [Float], logits: [Float], spatial: [Float] = []) {
    self.features = features
    self.logits = logits
    self.spatial = spatial
  }
}

/// A network that turns an image into a feature vector. Immutable after loading, so it is shared
/// between threads as it is; a result never depends on the images beside it.
public protocol FeatureExtractor: Sendable {
  /// The architecture's name in statistics files and results, such as `inception-2015`.
  var name: String { get }
  /// Length of ``ExtractedFeatures/features``.
  var featureDimension: Int { get }
  /// Length of ``ExtractedFeatures/logits``.
  var classCount: Int { get }
  /// Length of ``ExtractedFeatures/spatial``, 0 when there are none.
  var spatialDimension: Int { get }
  /// How this extractor prepares images, in one line, when there is one way only: it then ignores
  /// the ``Preparation`` asked for. Nil for Inception, whose tools differ.
  var ownPreparation: String? { get }
  /// What its large products multiply.
  var precision: Precision { get }

  /// How many images are done in the least time when they are given together.
  var imagesTogether: Int { get }

  /// Features and logits of each image.
  func callAsFunction(
    _ images: [Image], _ preparation: Preparation
  ) throws -> [ExtractedFeatures]
}

extension FeatureExtractor {
  /// An extractor is computed in float32 unless it says otherwise.
  public var precision: Precision { .float32 }

  /// An extractor takes one image after the other unless it says otherwise.
  public var imagesTogether: Int { 1 }

  /// Features and logits of `image`.
  public func callAsFunction(
    _ image: Image, _ preparation: Preparation
  ) throws -> ExtractedFeatures {
    try self([image], preparation)[0]
  }

  /// How images are prepared when `preparation` is asked for, in one line.
  public func preprocessing(_ preparation: Preparation) -> String {
    ownPreparation ?? preparation.description
  }
}
