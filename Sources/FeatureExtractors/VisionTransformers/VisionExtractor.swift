import Checkpoints
import Files
import Images
import Tensors

/// A vision transformer, or ConvNeXt V2, as one tool uses it.
///
/// The combination of a network and a tool has a name of its own, such as `dinov2-vit-l-14.edm2`, so
/// that features of the same weights in different dialects are never compared.
public struct VisionExtractor: FeatureExtractor {
  /// The names of the network and of the dialect, such as `dinov2-vit-l-14.edm2`.
  public let name: String
  /// The family of the network.
  public let family: VisionFamily
  /// The dialect.
  public let dialect: VisionDialect
  /// The length of a feature vector.
  public let featureDimension: Int
  /// The number format of the products in the blocks.
  public let precision: Precision
  /// Whether feature vectors are divided by their Euclidean norm.
  public let isNormalized: Bool

  /// The conversion of images to the network's input.
  package let preparation: VisionPreparation
  private let network: Network

  private enum Network: Sendable {
    case transformer(VisionTransformer)
    case convNeXt(ConvNeXt)
  }

  /// Loads a network.
  ///
  /// - Parameters:
  ///   - recognized: The architecture and the names of the tensors.
  ///   - dialect: The tool. It may be left out for a network that only one tool uses.
  ///   - weights: The tensors.
  ///   - precision: The number format of the products in the blocks.
  /// - Throws: ``Failure`` `AmbiguousExtractor` (64) if there is no dialect and several tools use the
  ///   network, `DialectUnsupported` (64) if the tool does not use it; `CheckpointMismatch` (65) with
  ///   all tensors that are missing, unexpected or of a different shape, or the failure of reading a
  ///   tensor.
  package init(
    _ recognized: RecognizedVision, _ dialect: VisionDialect?, _ weights: WeightReader,
    precision: Precision = .float32
  ) throws(Failure) {
    let family = recognized.family
    let dialects = VisionDialect.allCases.filter { $0.applies(to: family) }
    let names = dialects.map(\.rawValue).joined(separator: ", ")
    guard let dialect = dialect ?? (dialects.count == 1 ? dialects[0] : nil) else {
      throw Failure(
        .usage, .ambiguousExtractor, recognized.name,
        "tools prepare images for it in different ways; say the dialect, one of \(names)")
    }
    guard dialects.contains(dialect) else {
      throw Failure(
        .usage, .dialectUnsupported, recognized.name,
        "\(dialect.rawValue) does not use \(family.title); its dialects are \(names)")
    }
    (self.family, self.dialect, self.precision) = (family, dialect, precision)
    name = "\(recognized.name).\(dialect.rawValue)"
    isNormalized = dialect == .cmmd
    switch recognized {
    case .transformer(let configuration, let tensorNames):
      preparation = dialect.preparation(
        of: family, side: configuration.side, patch: configuration.patch)
      let form = dialect.form(of: configuration, side: preparation.paddedSide)
      try Self.check(configuration, dialect, form, recognized.name)
      let transformer = try VisionTransformer(
        configuration, form, tensorNames, weights, precision: precision)
      featureDimension = transformer.featureDimension
      network = .transformer(transformer)
    case .convNeXt(let configuration, let tensorNames):
      preparation = dialect.preparation(of: family, side: 224, patch: 32)
      let convNeXt = try ConvNeXt(configuration, tensorNames, weights, precision: precision)
      featureDimension = convNeXt.featureDimension
      network = .convNeXt(convNeXt)
    }
  }

  /// Refuses a network that the dialect cannot use.
  /// Creates DINOv2 as EDM2 uses it, with made-up weights.
  ///
  /// - Parameter size: `s`, `b` or `l`.
  /// - Returns: The extractor, and the operations of the matrix products for an image.
  package static func madeUpDINOv2(
    _ size: String, precision: Precision
  ) throws(Failure) -> (extractor: VisionExtractor, operations: Double) {
    guard let configuration = VisionTransformerConfiguration.dinov2(size) else {
      preconditionFailure("\(size) is not a size of DINOv2")
    }
    let extractor = try VisionExtractor(
      .transformer(configuration, .dinov2), .edm2, .madeUp(), precision: precision)
    return (extractor, configuration.operations(side: extractor.preparation.paddedSide))
  }

  private static func check(
    _ configuration: VisionTransformerConfiguration, _ dialect: VisionDialect,
    _ form: VisionTransformerForm, _ name: String
  ) throws(Failure) {
    guard form.side.isMultiple(of: configuration.patch) else {
      throw Failure(
        .dataRefused, .checkpointMismatch, name,
        "patches of \(configuration.patch) pixels do not divide images of \(form.side)")
    }
    if dialect == .cmmd, configuration.side != 336 {
      throw Failure(
        .usage, .dialectUnsupported, name,
        "cmmd uses CLIP for images of 336 x 336 pixels, and these weights are for "
          + "\(configuration.side) x \(configuration.side)")
    }
    if form.readout == .projection, configuration.projection == nil {
      throw Failure(
        .dataRefused, .checkpointMismatch, name,
        "there is no projection into the space of texts, which the dialect's features need")
    }
  }

  /// The preparation of images in this dialect.
  public var ownPreparation: String? {
    "\(dialect.rawValue): \(preparation.description)"
      + (isNormalized ? "; features divided by their norm" : "")
  }

  /// Computes the features of images.
  ///
  /// - Parameters:
  ///   - images: Images of any size.
  ///   - preparation: Ignored, see ``ownPreparation``.
  /// - Returns: ``featureDimension`` features for each image.
  public func callAsFunction(
    _ images: [Image], _ preparation: Preparation
  ) -> [ExtractedFeatures] {
    images.map { ExtractedFeatures(features: features(of: self.preparation($0))) }
  }

  /// Computes the features of one prepared image.
  ///
  /// - Parameter x: The network's input, `[3, S, S]`.
  package func features(of x: Tensor) -> [Float] {
    let features =
      switch network {
      case .transformer(let transformer): transformer(x)
      case .convNeXt(let convNeXt): convNeXt(x)
      }
    guard isNormalized else { return features }
    let norm = features.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    return features.map { Float(Double($0) / norm) }
  }
}
