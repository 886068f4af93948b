import GenerativeMetrics
import Testing

/// The mean and covariance of rows that do not all count alike.
@Suite("Weighted statistics") struct WeightedStatisticsTests {
  /// Rows 0, 0 and 3 with the weights 1, 1 and 2, divided by their mean 3/4, 3/4 and 3/2: the mean is
  /// 3/2, the squares add up to 2 · 3/4 · 9/4 + 3/2 · 9/4 = 27/4, and the divisor is
  /// 3 - (2 · 9/16 + 9/4) / 3 = 15/8.
  @Test func byHand() throws {
    let rows = try FeatureRows([0, 0, 3], dimension: 1)
    let statistics = try GaussianStatistics(rows, weights: [1, 1, 2])
    #expect(statistics.count == 3 && abs(statistics.mean[0] - 1.5) < 1e-15)
    #expect(abs(statistics.covariance[0] - 3.6) < 1e-14)
  }

  /// More rows than a block, with weights of any common size.
  @Test func equalWeightsAreNone() throws {
    let values = (0..<1100 * 3).map { Float($0 * 7919 % 1009) / 100 }
    var accumulator = try GaussianAccumulator(dimension: 3)
    try accumulator.append(rows: values)
    let expected = try accumulator.statistics()
    let weighted = try GaussianStatistics(
      FeatureRows(values, dimension: 3), weights: [Double](repeating: 0.1, count: 1100))
    for (a, b) in zip(
      weighted.mean + weighted.covariance, expected.mean + expected.covariance)
    { #expect(abs(a - b) < 1e-10) }
    for row in 0..<3 {
      for column in 0..<3 {
        #expect(weighted.covariance[row * 3 + column] == weighted.covariance[column * 3 + row])
      }
    }
  }

  /// A weight of 0 takes a row away, except from the count.
  @Test func aRowWithoutWeightIsNotThere() throws {
    let all = try GaussianStatistics(
      FeatureRows([1, 2, 9, 4], dimension: 1), weights: [1, 1, 0, 1])
    let rest = try GaussianStatistics(FeatureRows([1, 2, 4], dimension: 1), weights: [1, 1, 1])
    #expect(abs(all.mean[0] - rest.mean[0]) < 1e-15)
    #expect(abs(all.covariance[0] - rest.covariance[0]) < 1e-14)
  }

  @Test(
    arguments: [
      ([1, 1], .shapeMismatch), ([1, 1, -1], .shapeMismatch), ([1, 1, .nan], .nonFinite),
      ([1, 1, .infinity], .nonFinite), ([0, 0, 1], .tooFewSamples), ([0, 0, 0], .tooFewSamples),
    ] as [([Double], MetricError.Code)])
  func weightsThatCannotBeAreRefused(weights: [Double], code: MetricError.Code) throws {
    let rows = try FeatureRows([0, 0, 3], dimension: 1)
    #expect {
      try GaussianStatistics(rows, weights: weights)
    } throws: {
      ($0 as? MetricError)?.code == code
    }
  }
}
