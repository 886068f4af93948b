import FeatureExtractors
import Foundation
import GenerativeMetrics

/// What a tool of the field does between the bytes of an image and a score. The same images get
/// different numbers in each.
public enum Dialect: String, CaseIterable, Codable, Sendable {
  /// mseitzer/pytorch-fid, and the copies of it in DiS and U-ViT.
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
  /// Lightning-AI/torchmetrics since it smooths before shrinking.
  case torchmetrics
  /// NVlabs/edm, `fid.py`.
  case edm
  /// layer6ai-labs/dgm-eval with its Inception encoder.
  case dgmEval = "dgm-eval"

  /// Decodes a dialect, and of any other name says which there are.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let name = try container.decode(String.self)
    guard let dialect = Dialect(rawValue: name) else {
      throw DecodingError.dataCorruptedError(
        in: container,
        debugDescription:
          "Cannot initialize Dialect from invalid String value \(name); the dialects are "
          + Dialect.allCases.map(\.rawValue).joined(separator: ", "))
    }
    self = dialect
  }

  /// The record of what this dialect does.
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

/// How a ``Dialect`` turns images into each of the metrics.
///
/// A metric that the tool does not have is computed from the dialect's own features by the definition
/// of another, whose name then stands beside the value.
public struct DialectDefinition: Sendable {
  /// A definition and the tool it is of.
  public typealias Named<Definition> = (tool: String, definition: Definition)

  /// How images become the network's input.
  public let preparation: Preparation
  /// Whether the mean of the features is summed in single precision, as NumPy does with float32 rows.
  public let mean: MeanPrecision
  /// The covariance is divided by the number of images less this. (StyleGAN's FID alone divides by
  /// the number itself; it is no dialect here.)
  public let ddof = 1
  /// Inception Score.
  public let score: Named<InceptionScore.Convention>
  /// sFID: guided-diffusion is the only tool that has it.
  public let spatial = "guided-diffusion"
  /// KID. Tools that draw subsets without a seed get its expectation, from all samples.
  public let kernelDistance: Named<KernelDistance.Subsets>
  /// Precision and recall.
  public let precisionAndRecall: Named<PrecisionAndRecall.Convention>

  /// Whether statistics of one can be compared with features of the other: the images are prepared alike,
  /// or if the extractor prepares them in its own way, everything else that a dialect decides of
  /// statistics is the same.
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
