import Foundation

/// A metric with the distribution of its error, from which its interval and the tests of limits follow.
public struct MetricEstimate: Sendable {
  /// The metric, or the metric minus its bias.
  public let value: Double
  private let plugIn: Double
  private let error: Error
  /// The bias to first and to second order, the smaller one first.
  private let biases: ClosedRange<Double>

  private enum Error: Sendable {
    case influence(InfluenceSummary)
    case jackknife(standardError: Double, degreesOfFreedom: Int, MetricTitle.Scale)
    case share(of: Int)
  }

  /// Whether the interval has a width even if all or none of the samples count.
  private var isShare: Bool { if case .share = error { true } else { false } }

  /// Creates an estimate of a Fréchet distance whose error is known from the influence of its samples.
  ///
  /// - Parameters:
  ///   - value: The distance of all samples.
  ///   - bias: The bias to remove, as of ``Jackknife/bias``; 0 for the distance at this number of samples.
  ///   - secondOrderBias: The bias to second order, as of ``Jackknife/secondOrderBias``, by which the interval is
  ///     widened; nil if unknown.
  ///   - summary: The summary of the influences.
  public init(
    _ value: Double, bias: Double = 0, secondOrderBias: Double? = nil, _ summary: InfluenceSummary
  ) {
    (plugIn, self.value) = (value, value - bias)
    biases = range(bias, secondOrderBias)
    error = .influence(summary)
  }

  /// Creates an estimate whose error is known from a jackknife.
  ///
  /// - Parameters:
  ///   - jackknife: The metric without each group.
  ///   - title: The metric, which determines the scale on which the interval is symmetric.
  ///   - isDebiased: Whether to remove the bias.
  ///   - extraError: The standard deviation of an independent error that the groups do not show, such as
  ///     that of drawing subsets.
  public init(
    _ jackknife: Jackknife, of title: MetricTitle, isDebiased: Bool = false, extraError: Double = 0
  ) {
    plugIn = jackknife.value
    if title == .precision {
      // Given the reference, each image counts or not, whatever the others are.
      (value, error) = (jackknife.value, .share(of: jackknife.sizes.reduce(0, +)))
      biases = 0...0
      return
    }
    value = isDebiased ? jackknife.value - jackknife.bias : jackknife.value
    biases = isDebiased ? range(jackknife.bias, jackknife.secondOrderBias) : 0...0
    let variance = jackknife.standardError * jackknife.standardError + extraError * extraError
    error = .jackknife(
      standardError: variance.squareRoot(), degreesOfFreedom: jackknife.leftOut.count - 1,
      title.scale)
  }

  /// The standard deviation of ``value``, to first order.
  public var standardError: Double {
    switch error {
    case .influence(let summary): summary.standardError
    case .jackknife(let error, _, _): error
    case .share(let count): (value * (1 - value) / Double(count)).squareRoot()
    }
  }

  /// The degrees of freedom of Student's t.
  public var degreesOfFreedom: Int {
    switch error {
    case .influence(let summary): summary.degreesOfFreedom
    case .jackknife(_, let degrees, _): degrees
    case .share: wholeDegrees(.infinity)
    }
  }

  /// Returns the interval that contains the expectation with a probability.
  ///
  /// - Parameter confidence: The probability.
  public func interval(confidence: Double = Jackknife.confidence) -> ClosedRange<Double> {
    let t = studentQuantile((1 + confidence) / 2, degreesOfFreedom: degreesOfFreedom)
    return closedRange(end(at: -t), end(at: t))
  }

  /// Returns the probability of a value at least this far above `limit` if the expectation were `limit`: a
  /// small number says that the expectation is above. 1 minus it is the probability for a value below.
  ///
  /// A confidence of `1 - 2p` has an interval that ends at the limit.
  public func probability(atLimit limit: Double) -> Double {
    guard standardError > 0 || isShare else { return value > limit ? 0 : 1 }
    let scale = Double(degreesOfFreedom).squareRoot()
    var (low, high) = (-Double.pi / 2, Double.pi / 2)
    for _ in 0..<60 {
      let middle = (low + high) / 2
      if end(at: scale * tan(middle)) < limit { low = middle } else { high = middle }
    }
    return studentProbability(scale * tan(high), degreesOfFreedom: degreesOfFreedom)
  }

  /// Returns the end of an interval at a quantile of Student's t, which is negative for the lower end.
  private func end(at q: Double) -> Double {
    let bias = q < 0 ? biases.upperBound : biases.lowerBound
    switch error {
    case .influence(let summary): return max(0, summary.end(of: plugIn, at: q)) - bias
    case .jackknife(let error, _, let scale):
      return scale.end(of: plugIn, error: error, at: q) - bias
    case .share(let count): return wilsonEnd(of: plugIn, count: Double(count), at: q)
    }
  }
}

/// Returns the range of two numbers of any order, of which the second may be unknown.
private func range(_ a: Double, _ b: Double?) -> ClosedRange<Double> {
  let other = b ?? a
  return closedRange(min(a, other), max(a, other))
}

/// Returns the end of Wilson's interval of a share, which solves `|value - end| = q √(end (1 - end) / N)` and
/// therefore is not empty where all or none of N samples count.
///
/// - SeeAlso: Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", J. American
///   Statistical Association 22 (1927).
private func wilsonEnd(of share: Double, count: Double, at q: Double) -> Double {
  let square = q * q / count
  let root = (share * (1 - share) / count + square / (4 * count)).squareRoot()
  // Exactly so, without rounding.
  if share == 0, q < 0 { return 0 }
  if share == 1, q > 0 { return 1 }
  let end = (share + square / 2 + q * root) / (1 + square)
  return min(max(end, 0), 1)
}

extension MetricTitle {
  /// The scale on which the interval of a metric is symmetric.
  enum Scale: Sendable {
    /// The metric itself, of either sign.
    case linear
    /// The metric itself, within its range.
    case bounded(ClosedRange<Double>)
    /// The logarithm of a metric that is never negative.
    case logarithmic
  }

  var scale: Scale {
    switch self {
    case .fid, .sfid, .dinov2Distance, .frechetDistance, .inceptionScore, .classifierScore, .vendi,
      .totalVariance,
      .mongeDistance, .memorizationInformed, .memorizationInformedGenerated:
      .logarithmic
    case .precision, .recall, .density, .coverage, .authenticity, .classDistance, .duplicates:
      .bounded(range)
    case .kernelDistance, .discrepancy, .clipDiscrepancy, .classKernelDistance: .linear
    }
  }
}

extension MetricTitle.Scale {
  /// Returns `value + q error` on this scale. On the logarithmic one it is continued without overflow where
  /// `|q| error` exceeds the value, as ``Jackknife/positiveInterval`` says.
  func end(of value: Double, error: Double, at q: Double) -> Double {
    let margin = q * error
    switch self {
    case .linear: return value + margin
    case .bounded(let range):
      return min(max(value + margin, range.lowerBound), range.upperBound)
    case .logarithmic:
      if margin <= -value { return 0 }
      if margin >= value { return max(value + (exp(1) - 1) * margin, 0) }
      return value * exp(margin / value)
    }
  }
}
