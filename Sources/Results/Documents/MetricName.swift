import GenerativeMetrics

/// A metric that can be requested. With an extractor other than Inception, `fid` is called `fd` and
/// `is` is called `cs`.
public enum MetricName: String, CaseIterable, Sendable {
  /// The Fréchet distance of the pooled features.
  case fid
  /// The Fréchet distance of features with positions.
  case sfid
  /// The score of the class probabilities.
  case inceptionScore = "is"
  /// The kernel distance of the features.
  case kid
  /// The share of images near the reference.
  case precision
  /// The share of the reference near the images.
  case recall
  /// The discrepancy by a Gaussian kernel.
  case discrepancy = "mmd_rbf"
  /// The effective number of different images.
  case vendi
  /// The trace of the covariance of the features.
  case totalVariance = "total_variance"
  /// The sliced Wasserstein distance along random directions.
  case mongeDistance = "mind"
  /// The percentage of images that are not copies of the reference.
  case authenticity = "authpct"
  /// The mean kernel distance of the images of each class.
  case classKernelDistance = "class_kid"
  /// The percentage of images that are near duplicates of other images.
  case duplicates
  /// The discrepancy of the embeddings of CLIP.
  case clipDiscrepancy = "cmmd"
  /// FID divided by the distance from copies, as torchmetrics computes it.
  case memorizationInformed = "mifid"
  /// FID divided by the distance from copies, over generated images.
  case memorizationInformedGenerated = "mifid_generated"
  /// The distance of the predicted classes from those of the reference.
  case classDistance = "class_chi2"

  /// The metrics that an evaluation of everything computes, of which CMMD needs its own extractor. MIND is for
  /// comparison with papers; AuthPct and MiFID need the training set as the reference.
  public static let evaluated = Set(allCases).subtracting([
    .mongeDistance, .authenticity, .classKernelDistance, .duplicates, .memorizationInformed,
    .memorizationInformedGenerated,
  ])

  /// The metrics that need the feature rows of the evaluated images.
  package static let ofRows: Set<MetricName> = ofPairedRows.union([.vendi, .totalVariance])
  /// The metrics that need the feature rows of both sides.
  package static let ofPairedRows: Set<MetricName> = [
    .kid, .precision, .recall, .discrepancy, .mongeDistance, .authenticity, .duplicates,
    .classKernelDistance, .clipDiscrepancy,
    .memorizationInformed, .memorizationInformedGenerated,
  ]
  /// The metrics that only one extractor has.
  package static let ofOneExtractor: [MetricName: String] = [
    .clipDiscrepancy: MetricTitle.clip, .memorizationInformed: MetricTitle.inception,
    .memorizationInformedGenerated: MetricTitle.inception,
  ]
}

extension MetricName {
  /// Creates the metric with the given name in results, where `fd_dinov2` and `fd` are `fid` with an extractor
  /// other than Inception, and `cs` is `is`.
  public init?(title: String) {
    switch title {
    case "fd", "fd_dinov2": self = .fid
    case "cs": self = .inceptionScore
    default: self.init(rawValue: title)
    }
  }
}
