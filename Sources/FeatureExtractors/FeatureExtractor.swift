import Images
import Tensors

/// The result of an extractor for one image.
public struct ExtractedFeatures: Equatable, Sendable {
  /// The pooled feature vector, `[D]`.
  public let features: [Float]
  /// The class logits used by the Inception Score of this extractor, `[K]`.
  public let logits: [Float]
  /// The features of sFID, which retain their positions; empty if the extractor has none.
  public let spatial: [Float]

  /// Creates the result for one image from its vectors.
  ///
  /// - Parameters:
  ///   - features: The pooled feature vector, `[D]`.
  ///   - logits: The class logits, `[K]`; empty if the extractor has no classes.
  ///   - spatial: The features of sFID, of ``FeatureExtractor/spatialDimension`` values; empty if
  ///     there are none.
  public init(features: [Float], logits: [Float] = [], spatial: [Float] = []) {
    self.features = features
    self.logits = logits
    self.spatial = spatial
  }
}

/// A network that maps an image to a feature vector. It is immutable after loading, so threads can
/// share it, and no result depends on other images.
///
/// An extractor of your own needs a name, its ``featureDimension``, and a function:
///
/// ```swift
/// struct MeanColor: FeatureExtractor {
///   let name = "mean-color"
///   let featureDimension = 1
///   func callAsFunction(_ images: [Image], _: Preparation) -> [ExtractedFeatures] {
///     images.map { image in
///       let sum = image.pixels.reduce(0) { $0 + Float($1) }
///       return ExtractedFeatures(features: [sum / Float(image.pixels.count)])
///     }
///   }
/// }
/// ```
public protocol FeatureExtractor: Sendable {
  /// The name of the architecture in statistics files and results, such as `inception-2015`.
  var name: String { get }
  /// The length of ``ExtractedFeatures/features``.
  var featureDimension: Int { get }
  /// The length of ``ExtractedFeatures/logits``.
  var classCount: Int { get }
  /// The length of ``ExtractedFeatures/spatial``, or 0 if there are none.
  var spatialDimension: Int { get }
  /// A one-line description of the preparation of images, if the extractor has only one. It then
  /// ignores the requested ``Preparation``. Nil for Inception, for which tools use different
  /// preparations. By default, the extractor has one.
  var ownPreparation: String? { get }
  /// The number format of its large products.
  var precision: Precision { get }

  /// The number of images per call that takes the least time per image.
  var imagesTogether: Int { get }

  /// Computes the features and logits of each image.
  ///
  /// - Parameters:
  ///   - images: The images, of any size that the extractor accepts.
  ///   - preparation: How images become the network's input.
  /// - Returns: A result for each image, in the same order.
  /// - Throws: ``Failure`` `ImageMismatch` (65) if the extractor cannot process an image.
  func callAsFunction(
    _ images: [Image], _ preparation: Preparation
  ) throws -> [ExtractedFeatures]
}

extension FeatureExtractor {
  /// The default, float32.
  public var precision: Precision { .float32 }

  /// The default, no classes.
  public var classCount: Int { 0 }

  /// The default, no features with positions.
  public var spatialDimension: Int { 0 }

  /// The default, a preparation of the extractor's own.
  public var ownPreparation: String? { "prepared by \(name)" }

  /// The default, one image per call.
  public var imagesTogether: Int { 1 }

  /// Computes the features and logits of one image.
  ///
  /// - Parameters:
  ///   - image: An image of any size that the extractor accepts.
  ///   - preparation: How the image becomes the network's input.
  /// - Throws: ``Failure`` `ImageMismatch` (65) if the extractor cannot process the image.
  public func callAsFunction(
    _ image: Image, _ preparation: Preparation
  ) throws -> ExtractedFeatures {
    try self([image], preparation)[0]
  }

  /// Returns a one-line description of how images are prepared when `preparation` is requested.
  public func preprocessing(_ preparation: Preparation) -> String {
    ownPreparation ?? preparation.description
  }
}
