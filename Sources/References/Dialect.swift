import FeatureExtractors
import Foundation
import GenerativeMetrics

/// The processing of images by a published tool, from bytes to scores. The same images get
/// different scores in each dialect.
public enum Dialect: String, CaseIterable, Codable, Sendable {
  /// mseitzer/pytorch-fid, and its copies in DiS and U-ViT.
  case pytorchFID = "pytorch-fid"
  /// The TensorFlow graph: TTUR and guided-diffusion's (ADM) evaluator.
  case tensorFlow = "tf"
  /// toshas/torch-fidelity.
  case torchFidelity = "torch-fidelity"
  /// GaParmar/clean-fid, mode `clean`.
  case clean
  /// clean-fid, mode `legacy_pytorch`.
  case cleanLegacyPyTorch = "clean-legacy-pytorch"
  /// clean-fid, mode `legacy_tensorflow`.
  case cleanLegacyTensorFlow = "clean-legacy-tensorflow"
  /// Lightning-AI/torchmetrics, in the versions that smooth before shrinking.
  case torchmetrics
  /// NVlabs/edm, `fid.py`.
  case edm
  /// layer6ai-labs/dgm-eval with its Inception encoder.
  case dgmEval = "dgm-eval"

  /// Decodes a dialect from its name.
  ///
  /// - Throws: `DecodingError.dataCorrupted`, listing the dialects, for an unknown name; other
  ///   cases of `DecodingError` if the value is not a string.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let name = try container.decode(String.self)
    guard let dialect = Dialect(rawValue: name) else {
      throw DecodingError.dataCorruptedError(
        in: container,
        debugDescription:
          "found '\(name)'; the dialects are "
          + Dialect.allCases.map(\.rawValue).joined(separator: ", "))
    }
    self = dialect
  }

  /// The definition of what the tool computes.
  public var definition: DialectDefinition {
    switch self {
    case .pytorchFID: DialectDefinition(.pytorch, mean: .float64)
    case .tensorFlow:
      DialectDefinition(
        .tensorFlow, mean: .float32,
        score: ("guided-diffusion", .guidedDiffusion),
        precisionAndRecall: ("guided-diffusion", .guidedDiffusion))
    case .torchFidelity:
      DialectDefinition(
        .tensorFlow, mean: .float32,
        kernelDistance: ("torch-fidelity", .torchFidelity),
        precisionAndRecall: ("torch-fidelity", .torchFidelity))
    case .clean: DialectDefinition(.clean, mean: .float32)
    case .cleanLegacyPyTorch: DialectDefinition(.pytorch, mean: .float32)
    case .cleanLegacyTensorFlow: DialectDefinition(.tensorFlow, mean: .float32)
    case .torchmetrics:
      DialectDefinition(
        .torchmetrics, mean: .float64, score: ("torchmetrics", .torchmetrics))
    case .edm:
      DialectDefinition(.tensorFlow, mean: .float64, score: ("stylegan3", .styleGAN))
    case .dgmEval:
      DialectDefinition(
        .pytorch, mean: .float64, score: ("dgm-eval", .dgmEval),
        precisionAndRecall: ("prdc", .prdc))
    }
  }
}

/// The way in which a ``Dialect`` computes each of the metrics from images.
///
/// A metric that the tool does not have is computed from the dialect's features by the definition
/// of a different tool, whose name is given with the value.
public struct DialectDefinition: Sendable {
  /// A definition and the name of the tool that uses it.
  public typealias Named<Definition> = (tool: String, definition: Definition)

  /// The conversion of images to the network's input.
  public let preparation: Preparation
  /// The precision in which the mean of the features is summed. NumPy sums float32 rows in single
  /// precision.
  public let mean: MeanPrecision
  /// The number subtracted from the number of images in the divisor of the covariance. (Only
  /// StyleGAN's FID divides by the number of images itself; it is not a dialect here.)
  public let ddof = 1
  /// The definition of the Inception Score.
  public let score: Named<InceptionScore.Convention>
  /// The definition of sFID, for which guided-diffusion is the only tool.
  public let spatial = "guided-diffusion"
  /// The definition of KID. For tools that draw subsets without a seed, it is the expectation,
  /// computed from all samples.
  public let kernelDistance: Named<KernelDistance.Subsets>
  /// The definition of precision and recall.
  public let precisionAndRecall: Named<PrecisionAndRecall.Convention>

  /// Returns whether statistics of one definition can be compared with features of the other: the
  /// images are prepared in the same way or, if the extractor has its own preparation, everything
  /// else that affects statistics is the same.
  package func fits(_ other: DialectDefinition, hasOwnPreparation: Bool) -> Bool {
    hasOwnPreparation ? mean == other.mean && ddof == other.ddof : preparation == other.preparation
  }

  init(
    _ preparation: Preparation, mean: MeanPrecision,
    score: Named<InceptionScore.Convention> = ("torch-fidelity", .torchFidelity),
    kernelDistance: Named<KernelDistance.Subsets> = ("all samples", .whole),
    precisionAndRecall: Named<PrecisionAndRecall.Convention> =
      ("guided-diffusion", .guidedDiffusion)
  ) {
    self.preparation = preparation
    self.mean = mean
    self.score = score
    self.kernelDistance = kernelDistance
    self.precisionAndRecall = precisionAndRecall
  }
}
