import Foundation

/// The difference of a metric of two sets of samples.
public struct JackknifeDifference: Equatable, Sendable {
  /// The first value less the second.
  public let value: Double
  /// The estimated standard deviation of ``value``.
  public let standardError: Double
  /// Degrees of freedom of Student's t: one less than groups.
  public let degreesOfFreedom: Int

  /// Compares two metrics.
  ///
  /// - Parameter paired: Whether sample i of the first belongs to sample i of the second, as in
  ///   ``Jackknife/pairedDifference(_:_:)``; otherwise the two are independent.
  /// - Throws: ``MetricError`` `CountMismatch` where pairs are not of as many samples.
  public init(_ first: Jackknife, _ second: Jackknife, paired: Bool) throws(MetricError) {
    value = first.value - second.value
    standardError =
      paired
      ? try Jackknife.pairedDifference(first, second).standardError
      : hypot(first.standardError, second.standardError)
    degreesOfFreedom = min(first.leftOut.count, second.leftOut.count) - 1
  }

  /// ``value`` ± ``standardError`` times Student's t: where the difference of the expectations lies
  /// with a probability of ``Jackknife/confidence``.
  public var interval: ClosedRange<Double> {
    let margin =
      standardError
      * studentQuantile((1 + Jackknife.confidence) / 2, degreesOfFreedom: degreesOfFreedom)
    return value - margin...value + margin
  }
}
