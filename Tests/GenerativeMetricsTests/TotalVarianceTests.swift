import GenerativeMetrics
import Testing
import _TestSupport

@Suite struct TotalVarianceTests {
  /// 40 numbers, each group one 0 and one 2: the sum of squares about the mean 1 is 40, or 38
  /// without a group.
  @Test func zerosAndTwos() throws {
    var seen: Set<Int> = []
    let values = Jackknife.groups(count: 40).map { seen.insert($0).inserted ? Float(0) : 2 }
    let jackknife = try totalVarianceJackknife(of: FeatureRows(values, dimension: 1))
    #expect(abs(jackknife.value - 40 / 39.0) <= 1e-15)
    #expect(jackknife.leftOut.allSatisfy { abs($0 - 38 / 37.0) <= 1e-15 })
  }

  /// Far from 0, so that squares would cancel; sizes around a portion of rows, and groups of
  /// unequal sizes.
  @Test(
    "is the trace of the covariance, without each group too",
    arguments: [(40, 1), (53, 7), (1024, 3), (1025, 3), (3001, 5)])
  func trace(count: Int, dimension: Int) throws {
    let rows = try FeatureRows(
      features(count, dimension, seed: 5).map { 1000 + $0 }, dimension: dimension)
    let jackknife = try totalVarianceJackknife(of: rows)
    let expected = try Jackknife(
      of: { (rows) throws(MetricError) in
        var accumulator = try GaussianAccumulator(dimension: dimension)
        try accumulator.append(rows: rows.values)
        return try accumulator.statistics().trace
      }, rows: rows)
    #expect(abs(jackknife.value / expected.value - 1) <= 1e-12)
    #expect(worst(jackknife.leftOut, expected.leftOut).relative <= 1e-12)
  }

  @Test func equalSamplesDoNotVary() throws {
    let rows = try FeatureRows([Float](repeating: 0.1, count: 45 * 2), dimension: 2)
    let jackknife = try totalVarianceJackknife(of: rows)
    #expect(([jackknife.value] + jackknife.leftOut).allSatisfy { 0...1e-30 ~= $0 })
  }

  @Test func rangesAreReadOnceInOrder() throws {
    let rows = try featureRows(2500, 2, seed: 1)
    var ranges: [Range<Int>] = []
    let jackknife = try Jackknife.ofTotalVariance(count: 2500, dimension: 2) {
      (range) throws(MetricError) in
      ranges.append(range)
      return Array(rows.values[range.lowerBound * 2..<range.upperBound * 2])
    }
    #expect(ranges.flatMap { Array($0) } == Array(0..<2500))
    #expect(try jackknife == totalVarianceJackknife(of: rows))
  }

  @Test func rejections() throws {
    expectRejection("TooFewSamples", naming: "39 samples; at least 40") {
      try totalVarianceJackknife(of: featureRows(39, 2, seed: 1))
    }
    func variance(_ dimension: Int, _ rows: [Float]) throws -> Jackknife {
      try Jackknife.ofTotalVariance(count: 40, dimension: dimension) { _ in rows }
    }
    expectRejection("ShapeMismatch", naming: "0 features") { try variance(0, []) }
    expectRejection("ShapeMismatch", naming: "39 rows of 40") {
      try variance(1, [Float](repeating: 1, count: 39))
    }
    expectRejection("ShapeMismatch", naming: "41 values") {
      try variance(2, [Float](repeating: 1, count: 41))
    }
    expectRejection("NonFinite", naming: "sample 3") {
      try variance(1, (0..<40).map { $0 == 3 ? .infinity : 0 })
    }
  }
}
