/// What results call a metric, and what is true of it whatever was measured.
public enum MetricTitle: String, CaseIterable, Sendable {
  /// The Fréchet distance of the pooled features of Inception.
  case fid
  /// The Fréchet distance of features with positions.
  case sfid
  /// The score by the classes of Inception.
  case inceptionScore = "is"
  /// The Fréchet distance by any other extractor.
  case frechetDistance = "fd"
  /// The score by the classes of any other extractor.
  case classifierScore = "cs"
  case kernelDistance = "kid"
  case precision, recall, density, coverage

  /// The name of the one extractor whose metrics are called `fid` and `is`.
  public static let inception = "inception-2015"

  /// Whether the metric is called so only where the extractor is ``inception``.
  public var isOfInception: Bool { self == .fid || self == .inceptionScore }

  /// Whether a higher value is better.
  public var higherIsBetter: Bool {
    switch self {
    case .fid, .sfid, .frechetDistance, .kernelDistance: false
    case .inceptionScore, .classifierScore, .precision, .recall, .density, .coverage: true
    }
  }

  /// The values that the metric can have.
  public var range: ClosedRange<Double> {
    switch self {
    // Rounding below 0 is set to 0 where distances are computed.
    case .fid, .sfid, .frechetDistance, .density: 0...(.infinity)
    // The exponential of a divergence, of probabilities that may be in float32.
    case .inceptionScore, .classifierScore: 0.999...(.infinity)
    case .precision, .recall, .coverage: 0...1
    // An estimate without bias, which is negative half of the time where the distance is 0.
    case .kernelDistance: -.infinity...(.infinity)
    }
  }
}

extension Jackknife {
  /// The interval that results give for a metric: ``positiveInterval`` where it is never negative.
  public func interval(of title: MetricTitle) -> ClosedRange<Double> {
    title.range.lowerBound < 0 ? interval : positiveInterval
  }
}
