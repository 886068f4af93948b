/// The names of metrics in results, and their properties independent of any measurement.
public enum MetricTitle: String, CaseIterable, Sendable {
  /// The Fréchet distance of the pooled features of Inception.
  case fid
  /// The Fréchet distance of features with positions.
  case sfid
  /// The Inception Score, from the class probabilities of Inception.
  case inceptionScore = "is"
  /// The Fréchet distance of the features of DINOv2-L as EDM2 computes them (FD-DINOv2).
  case dinov2Distance = "fd_dinov2"
  /// The Fréchet distance of the features of any other extractor.
  case frechetDistance = "fd"
  /// The same score from the class probabilities of any other extractor.
  case classifierScore = "cs"
  /// The kernel distance of the features (KID).
  case kernelDistance = "kid"
  /// The share of images near the reference.
  case precision
  /// The share of the reference near the images.
  case recall
  /// The squared maximum mean discrepancy by a Gaussian kernel.
  case discrepancy = "mmd_rbf"
  /// The effective number of different images (Vendi score).
  case vendi
  /// The trace of the covariance of the features.
  case totalVariance = "total_variance"
  /// How many neighbourhoods of the reference an image lies in, on average.
  case density
  /// The share of neighbourhoods of the reference that contain an image.
  case coverage
  /// The sliced Wasserstein distance along random directions (MIND).
  case mongeDistance = "mind"
  /// The percentage of images that are not copies of the reference (AuthPct).
  case authenticity = "authpct"
  /// The mean kernel distance of the images of each class.
  case classKernelDistance = "class_kid"
  /// The percentage of images that are near duplicates of other images.
  case duplicates
  /// The discrepancy of the embeddings of CLIP (CMMD).
  case clipDiscrepancy = "cmmd"
  /// FID divided by the distance from copies as torchmetrics computes it (MiFID).
  case memorizationInformed = "mifid"
  /// FID divided by the distance from copies by the definition of the competition.
  case memorizationInformedGenerated = "mifid_generated"
  /// The chi-squared distance of the classes that a classifier sees from those of the reference.
  case classDistance = "class_chi2"

  /// The name of the only extractor whose metrics are called `fid` and `is`.
  public static let inception = "inception-2015"

  /// The name of the only extractor whose distance is called `fd_dinov2`.
  public static let dinov2 = "dinov2-vit-l-14.edm2"

  /// The name of the only extractor whose discrepancy is called `cmmd`.
  public static let clip = "clip-vit-l-14-336.cmmd"

  /// The only extractor whose metric has this name; nil if the name says nothing of the extractor.
  public var extractor: String? {
    switch self {
    case .fid, .inceptionScore, .memorizationInformed, .memorizationInformedGenerated:
      Self.inception
    case .dinov2Distance: Self.dinov2
    case .clipDiscrepancy: Self.clip
    default: nil
    }
  }

  /// Whether the metric is a Fréchet distance.
  public var isFrechetDistance: Bool {
    self == .fid || self == .sfid || self == .dinov2Distance || self == .frechetDistance
  }

  /// The names of the same quantity with different extractors, such as `fid`, `fd_dinov2` and `fd`; the last one is
  /// that of extractors without a name of their own.
  public var alternatives: [MetricTitle] {
    let groups: [[MetricTitle]] = [
      [.fid, .dinov2Distance, .frechetDistance], [.inceptionScore, .classifierScore],
    ]
    return groups.first { $0.contains(self) } ?? [self]
  }

  /// Returns the name of the same quantity with the given extractor.
  public func named(by extractor: String) -> MetricTitle {
    let names = alternatives
    return names.first { $0.extractor == extractor } ?? names[names.count - 1]
  }

  /// Whether a higher value is better.
  public var higherIsBetter: Bool {
    switch self {
    case .fid, .sfid, .dinov2Distance, .frechetDistance, .kernelDistance, .discrepancy,
      .mongeDistance, .classDistance, .clipDiscrepancy, .duplicates, .classKernelDistance,
      .memorizationInformed,
      .memorizationInformedGenerated:
      false
    case .inceptionScore, .classifierScore, .precision, .recall, .density, .coverage, .vendi,
      .totalVariance, .authenticity:
      true
    }
  }

  /// The possible values of the metric.
  public var range: ClosedRange<Double> {
    switch self {
    // Negative rounding errors are set to 0 where distances are computed.
    case .fid, .sfid, .dinov2Distance, .frechetDistance, .density, .totalVariance, .mongeDistance,
      .memorizationInformed, .memorizationInformedGenerated:
      0...(.infinity)
    case .authenticity, .duplicates: 0...100
    // The exponential of a divergence of probabilities, which may be in float32.
    case .inceptionScore, .classifierScore, .vendi: 0.999...(.infinity)
    case .precision, .recall, .coverage, .classDistance: 0...1
    // An unbiased estimate, which is negative half of the time if the distance is 0.
    case .kernelDistance, .discrepancy, .clipDiscrepancy, .classKernelDistance:
      -.infinity...(.infinity)
    }
  }
}

extension MetricTitle {
  /// What a metric sees of the images.
  public enum Aspect: String, Sendable {
    /// The distance of the whole distribution.
    case distance
    /// Whether single images look like real ones.
    case fidelity
    /// Whether the images are as different from each other as real ones.
    case diversity
    /// Where the images are in feature space.
    case location
    /// The classes that a classifier sees.
    case classes
    /// Whether images are copies of the reference.
    case originality
  }

  /// What the metric sees of the images.
  public var aspect: Aspect {
    switch self {
    case .fid, .sfid, .dinov2Distance, .frechetDistance, .mongeDistance: .distance
    case .precision, .density: .fidelity
    case .recall, .coverage, .vendi, .totalVariance, .duplicates: .diversity
    case .kernelDistance, .discrepancy, .clipDiscrepancy: .location
    case .inceptionScore, .classifierScore, .classDistance, .classKernelDistance: .classes
    case .authenticity, .memorizationInformed, .memorizationInformedGenerated: .originality
    }
  }

  /// Whether the metric can become better when the images lose diversity, so that a better value alone says
  /// nothing.
  public var rewardsCollapse: Bool {
    switch self {
    case .precision, .density, .coverage: true
    default: false
    }
  }

  /// Whether intervals are those of the logarithm.
  package var hasPositiveScale: Bool { if case .logarithmic = scale { true } else { false } }
}

extension Jackknife {
  /// Returns the interval given in results for a metric: symmetric for its logarithm if it is a distance or a
  /// score, within its range if it is a share, and otherwise ``interval``.
  public func interval(of title: MetricTitle) -> ClosedRange<Double> {
    MetricEstimate(self, of: title).interval()
  }
}
