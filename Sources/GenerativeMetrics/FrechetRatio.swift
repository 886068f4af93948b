/// A Fréchet distance divided by that of validation images, FDr, which is 1 for images as good as those of ImageNet's
/// validation set. Lower is better.
///
/// The divisors are the distances of ImageNet's validation set from its training set at 256 x 256 pixels, with the
/// dialect of FD-loss. They are published with few digits, which limits how well a ratio is known; see
/// ``relativeUncertainty``.
///
/// - SeeAlso: FD-loss, arXiv 2604.28190; `eval_all_fds.py` in Jiawei-Yang/FD-loss at 5c03b81.
public enum FrechetRatio: String, CaseIterable, Sendable {
  /// Inception, against the statistics of guided-diffusion.
  case inception
  /// ConvNeXt V2-B.
  case convNeXtV2 = "convnextv2"
  /// DINOv2 ViT-L/14.
  case dinov2
  /// MAE ViT-L/16.
  case mae
  /// SigLIP2 so400m/16.
  case siglip2
  /// CLIP ViT-L/14.
  case clip

  /// The distance of the validation images.
  public var validationDistance: Double {
    switch self {
    case .inception: 1.68
    case .convNeXtV2: 56.87
    case .dinov2: 14.19
    case .mae: 0.04
    case .siglip2: 0.60
    case .clip: 5.60
    }
  }

  /// Half of the last published digit of ``validationDistance``, relative to it: 12.5 % for MAE, at most 0.9 % for the
  /// others. It is the same for everybody, so that comparisons do not depend on it.
  public var relativeUncertainty: Double { 0.005 / validationDistance }

  /// Returns the ratio for a Fréchet distance.
  ///
  /// - Parameter distance: The distance from the statistics of the training set, in the dialect of FD-loss.
  public func callAsFunction(_ distance: Double) -> Double { distance / validationDistance }

  /// Returns FDr-6, the mean of the ratios of all six networks.
  ///
  /// - Parameter distances: The distance of each network.
  /// - Returns: The mean; nil unless all six distances are given.
  public static func meanOfSix(_ distances: [FrechetRatio: Double]) -> Double? {
    let ratios = allCases.compactMap { network in distances[network].map { network($0) } }
    guard ratios.count == allCases.count else { return nil }
    return ratios.reduce(0, +) / Double(ratios.count)
  }
}
