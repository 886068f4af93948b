import Foundation

/// The difference of a metric between two sets of samples.
public struct JackknifeDifference: Equatable, Sendable {
  /// The first value minus the second.
  public let value: Double
  /// The estimated standard deviation of ``value``.
  public let standardError: Double
  /// The degrees of freedom of Student's t: the number of groups minus one.
  public let degreesOfFreedom: Int

  /// Computes the difference of two metrics and its standard error.
  ///
  /// - Parameters:
  ///   - first: The metric of the first set.
  ///   - second: The metric of the second set.
  ///   - paired: Whether the samples correspond pairwise, as for
  ///     ``Jackknife/pairedDifference(_:_:)``; otherwise, the sets are independent.
  /// - Throws: ``MetricError`` `CountMismatch` if the sets are paired and do not have the same
  ///   number of samples.
  public init(_ first: Jackknife, _ second: Jackknife, paired: Bool) throws(MetricError) {
    value = first.value - second.value
    if paired {
      standardError = try Jackknife.pairedDifference(first, second).standardError
    } else {
      // Not hypot, whose last bit depends on the version of the C library.
      let variances = [first, second].map { $0.standardError * $0.standardError }
      standardError = (variances[0] + variances[1]).squareRoot()
    }
    degreesOfFreedom = min(first.leftOut.count, second.leftOut.count) - 1
  }

  /// ``value`` ± ``standardError`` times Student's t: the interval that contains the difference of
  /// the expectations with the probability ``Jackknife/confidence``.
  public var interval: ClosedRange<Double> {
    let margin =
      standardError
      * studentQuantile((1 + Jackknife.confidence) / 2, degreesOfFreedom: degreesOfFreedom)
    return closedRange(value - margin, value + margin)
  }
}
