import GenerativeMetrics
import References

/// A metric of decoded images and their originals.
public enum ReconstructionMetric: String, CaseIterable, Codable, Sendable {
  /// The Fréchet distance of the decoded images from the originals, of the features of Inception.
  case distance = "rfid"
  /// The mean peak signal-to-noise ratio of the pairs, in decibels.
  case signalToNoise = "psnr"
  /// The mean structural similarity of the pairs.
  case similarity = "ssim"
  /// The mean learned perceptual distance of the pairs, with VGG16.
  case perceptualDistance = "lpips"

  /// Whether a higher value is better.
  public var higherIsBetter: Bool { self == .signalToNoise || self == .similarity }
}

/// The code whose definitions of the metrics are followed. The same images get different numbers from each.
public enum ReconstructionProtocol: String, CaseIterable, Codable, Sendable {
  /// bytetriper/RAE.
  case rae
  /// hustvl/LightningDiT.
  case lightningDiT = "lightningdit"
  /// bytedance/1d-tokenizer (TiTok), which has no metrics of pairs.
  case tokenizer = "1d-tokenizer"

  /// The metrics that the code computes.
  public var metrics: [ReconstructionMetric] {
    self == .tokenizer ? [.distance] : ReconstructionMetric.allCases
  }

  /// The dialect whose preparation of images and precision of the mean rFID has.
  ///
  /// 1d-tokenizer takes torch-fidelity's features and sums their moments in float64, which is what EDM does.
  public var dialect: Dialect {
    switch self {
    case .rae: .torchFidelity
    case .lightningDiT: .pytorchFID
    case .tokenizer: .edm
    }
  }

  /// The numbers that bytes become before the structural similarity is computed.
  var similarityRange: SimilarityRange { self == .lightningDiT ? .symmetric : .unit }

  /// The peak signal-to-noise ratio of equal images, and the largest one of others, in decibels.
  var decibelLimit: Double { self == .rae ? 100 : .infinity }
}
