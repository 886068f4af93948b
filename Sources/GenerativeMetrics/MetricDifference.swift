import Foundation

/// The difference of a metric between two sets of samples, with the test of whether it exceeds a tolerance.
///
/// With the difference v, its standard error σ, the skewness g of the estimate and a tolerance τ, Hall's
/// transformation removes the skewness from Student's t:
/// ```
/// t = (v - τ) / σ        H = t + g t² / 3 + g² t³ / 27 + g / 6        which has Student's distribution, ν
/// ```
/// The interval inverts it: `t = ((1 + g (H - g/6))^⅓ - 1) 3 / g`. Jackknife groups do not show the skewness;
/// g is then 0 and H is t.
///
/// - SeeAlso: Hall, "On the removal of skewness by transformation", J. Royal Statistical Society B 54 (1992).
public struct MetricDifference: Equatable, Sendable {
  /// The first value minus the second.
  public let value: Double
  /// σ, the estimated standard deviation of ``value``.
  public let standardError: Double
  /// g, the skewness of ``value``.
  public let skewness: Double
  /// ν, the degrees of freedom of Student's t.
  public let degreesOfFreedom: Int

  private init(_ value: Double, error: Double, skewness: Double = 0, degreesOfFreedom: Double) {
    (self.value, standardError, self.skewness) = (value, error, skewness)
    self.degreesOfFreedom = wholeDegrees(degreesOfFreedom)
  }

  /// The range from ``value`` that contains the difference of the expectations with the probability
  /// ``Jackknife/confidence``.
  public var interval: ClosedRange<Double> {
    let q = studentQuantile((1 + Jackknife.confidence) / 2, degreesOfFreedom: degreesOfFreedom)
    return closedRange(
      value - standardError * untransformed(q), value - standardError * untransformed(-q))
  }

  /// Returns the probability of a difference at least this large if the expectation were `tolerance`: a small
  /// number says that the difference exceeds the tolerance. 1 minus it is the probability for a difference at
  /// most this large.
  ///
  /// Without any variation, the difference is exact.
  public func probability(atTolerance tolerance: Double) -> Double {
    let excess = value - tolerance
    guard standardError > 0 else { return excess > 0 ? 0 : 1 }
    let t = excess / standardError, g = skewness
    let transformed = t + g * t * t / 3 + g * g * t * t * t / 27 + g / 6
    return studentProbability(-transformed, degreesOfFreedom: degreesOfFreedom)
  }

  private func untransformed(_ q: Double) -> Double {
    let g = skewness
    // The cube root of almost 1, minus 1, would cancel. The series has an error of g².
    guard abs(g) > 1e-5 else { return q - g / 6 - g * q * q / 3 }
    return (cbrt(1 + g * (q - g / 6)) - 1) * 3 / g
  }
}

// MARK: - From influences

extension MetricDifference {
  /// Compares two Fréchet distances whose samples correspond pairwise, for example by a common seed. What
  /// both have in common cancels sample by sample.
  ///
  /// σ, g and ν are those of the influence differences, as for ``InfluenceSummary``.
  ///
  /// - Parameters:
  ///   - value: The difference of the two distances, or of the distances minus their biases.
  ///   - first: The influence of each sample on the first distance, `[N]`.
  ///   - second: The influence of each sample on the second distance, `[N]`.
  /// - Throws: ``MetricError`` `CountMismatch` if there are not as many, or none.
  public init(
    _ value: Double, pairs first: [Float], _ second: [Float]
  ) throws(MetricError) {
    guard first.count == second.count, !first.isEmpty else {
      throw MetricError(
        .countMismatch, "\(first.count) and \(second.count) influences; pairs need as many")
    }
    let differences = zip(first, second).map { Double($0) - Double($1) }
    let count = Double(differences.count)
    let mean = differences.reduce(0, +) / count
    let largest = differences.reduce(0) { max($0, abs($1 - mean)) }
    guard largest > 0 else {
      self.init(value, error: 0, degreesOfFreedom: .infinity)
      return
    }
    var (square, cube, fourth) = (0.0, 0.0, 0.0)
    for difference in differences {
      let relative = (difference - mean) / largest, second = relative * relative
      square += second
      cube += second * relative
      fourth += second * second
    }
    let kurtosis = count * fourth / (square * square)
    self.init(
      value, error: largest * square.squareRoot() / count,
      skewness: cube / (square * square.squareRoot()),
      degreesOfFreedom: kurtosis > 1 ? 2 * count / (kurtosis - 1) : .infinity)
  }

  /// Compares two Fréchet distances of independent samples. Variances and third cumulants add, and ν follows
  /// Welch and Satterthwaite.
  ///
  /// - Parameters:
  ///   - value: The difference of the two distances, or of the distances minus their biases.
  ///   - first: The error of the first distance.
  ///   - second: The error of the second distance.
  public init(_ value: Double, independent first: InfluenceSummary, _ second: InfluenceSummary) {
    let error = rootOfSquares(first.standardError, second.standardError)
    guard error > 0 else {
      self.init(value, error: 0, degreesOfFreedom: .infinity)
      return
    }
    func cumulant(_ summary: InfluenceSummary) -> Double {
      let relative = summary.standardError / error
      return 6 * summary.acceleration * relative * relative * relative
    }
    self.init(
      value, error: error, skewness: cumulant(first) - cumulant(second),
      degreesOfFreedom: welch(
        (first.standardError / error, first.degreesOfFreedom),
        (second.standardError / error, second.degreesOfFreedom)))
  }
}

// MARK: - From groups

extension MetricDifference {
  /// Compares two metrics by their jackknives.
  ///
  /// - Parameters:
  ///   - first: The metric of the first set.
  ///   - second: The metric of the second set.
  ///   - paired: Whether the samples correspond pairwise, as for
  ///     ``Jackknife/pairedDifference(_:_:)``; otherwise, the sets are independent.
  ///   - isDebiased: Whether to compare the metrics minus their biases.
  ///   - extraErrors: The standard deviations of independent errors that the groups do not show, such as
  ///     those of drawing subsets.
  /// - Throws: ``MetricError`` `CountMismatch` if the sets are paired and do not have the same
  ///   number of samples.
  public init(
    _ first: Jackknife, _ second: Jackknife, paired: Bool, isDebiased: Bool = false,
    extraErrors: (Double, Double) = (0, 0)
  ) throws(MetricError) {
    let bias = isDebiased ? first.bias - second.bias : 0
    let value = first.value - second.value - bias
    let extra = rootOfSquares(extraErrors.0, extraErrors.1)
    if paired {
      let difference = try Jackknife.pairedDifference(first, second)
      self.init(
        value, error: rootOfSquares(difference.standardError, extra),
        degreesOfFreedom: Double(difference.leftOut.count - 1))
    } else {
      let error = rootOfSquares(first.standardError, second.standardError)
      self.init(
        value, error: rootOfSquares(error, extra),
        degreesOfFreedom: error > 0
          ? welch(
            (first.standardError / error, first.leftOut.count - 1),
            (second.standardError / error, second.leftOut.count - 1))
          : Double(min(first.leftOut.count, second.leftOut.count) - 1))
    }
  }
}

/// Returns √(a² + b²). Not hypot, whose last bit depends on the version of the C library.
private func rootOfSquares(_ a: Double, _ b: Double) -> Double { (a * a + b * b).squareRoot() }

/// Returns the degrees of freedom of a sum of independent errors by Welch and Satterthwaite, from the share
/// of each in the standard error of the sum, whose squares add up to 1.
private func welch(
  _ first: (share: Double, degrees: Int), _ second: (share: Double, degrees: Int)
) -> Double {
  func term(_ part: (share: Double, degrees: Int)) -> Double {
    let square = part.share * part.share
    return square * square / Double(part.degrees)
  }
  return 1 / (term(first) + term(second))
}
