import Foundation
import GenerativeMetrics
import Testing
import _TestSupport

@Suite struct FrechetInfluenceTests {
  private func gaussian(_ rows: [Float], _ dimension: Int) throws -> FactoredGaussian {
    try FactoredGaussian(rows: rows, dimension: dimension, mean: .float64)
  }

  private func influence(
    _ rows: [Float], _ dimension: Int, on reference: FactoredGaussian
  ) throws -> FrechetInfluence {
    try FrechetInfluence(
      of: gaussian(rows, dimension), count: rows.count / dimension, on: reference
    ) { range throws(MetricError) in
      Array(rows[range.lowerBound * dimension..<range.upperBound * dimension])
    }
  }

  /// Lognormal features with variances that fall from 1 to 0.1, as skewed as those of networks or more.
  private func skewed(_ count: Int, _ dimension: Int, random: inout Normals) -> [Float] {
    (0..<count).flatMap { _ in
      (0..<dimension).map { column in
        let z = (exp(random.next()) - exp(0.5)) / (exp(2) - exp(1)).squareRoot()
        return Float(z * pow10(-Double(column) / Double(2 * dimension)))
      }
    }
  }

  // MARK: By hand

  /// One feature with the mean 3 and the deviation 2 against 1 and 1: the distance is 4 + 1, and
  /// `h = 2 (3 - 1) y + (1 - 1/2) (y² - mean)`.
  @Test func oneFeature() throws {
    // y is -3, 1, 1, 1; the sum of squares is 12, and the variance 4.
    let reference = try FactoredGaussian(statistics(mean: [1], covariance: [1]))
    let influence = try influence([0, 4, 4, 4], 1, on: reference)
    // y² - 3 is 6, -2, -2, -2.
    #expect(influence.values == [-9, 3, 3, 3])
    // Σh² = 108, Σh³ = -648, Σh⁴ = 6804.
    #expect(abs(influence.summary.standardError - 108.squareRoot() / 4) <= 1e-14)
    #expect(abs(influence.summary.acceleration + 648 / (6 * 108 * 108.squareRoot())) <= 1e-15)
    // κ = 4 · 6804 / 108² = 7/3, ν = 8 / (4/3) = 6.
    // Rounded down, from a number that may be just below 6.
    #expect(5...6 ~= influence.summary.degreesOfFreedom)
    #expect(influence.summary.dependsOnFewSamples)
  }

  @Test func samplesWithoutVariationHaveNoInfluence() throws {
    let reference = try FactoredGaussian(statistics(mean: [0, 0], covariance: diagonal([1, 4])))
    let influence = try influence([2, 3, 2, 3, 2, 3], 2, on: reference)
    #expect(influence.values == [0, 0, 0] && influence.summary.standardError == 0)
    #expect(MetricEstimate(18, influence.summary).interval() == 18...18)
    #expect(MetricEstimate(18, bias: 1, influence.summary).interval() == 17...17)
    let constant = try FactoredGaussian(statistics(mean: [0, 0], covariance: diagonal([0, 0])))
    let spread = try self.influence([1, 0, -1, 0], 2, on: constant)
    #expect(spread.values == [0, 0])
  }

  // MARK: Derivatives

  /// h is the derivative of the distance when a sample's weight grows, and c half the second derivative
  /// along h. Central differences with a step ε have an error of ε², and of the rounding of the distance,
  /// 1e-15 of the traces, divided by ε or ε².
  @Test("the values are derivatives of the distance", arguments: [(40, 3), (300, 8), (50, 20)])
  func derivatives(count: Int, dimension: Int) throws {
    var random = Normals(seed: UInt64(count))
    let rows = skewed(count, dimension, random: &random)
    let other = try statistics(
      mean: (0..<dimension).map { 0.1 * Double($0) },
      covariance: reflected(diagonal: (1...dimension).map { 1 / Double($0) }))
    let reference = try FactoredGaussian(other)
    let influence = try influence(rows, dimension, on: reference)
    let moments = try statistics(of: rows, dimension)
    func row(_ index: Int) -> [Double] {
      (0..<dimension).map { Double(rows[index * dimension + $0]) }
    }
    func distance(_ mean: [Double], _ covariance: [Double]) throws -> Double {
      try frechetDistance(
        between: FactoredGaussian(statistics(mean: mean, covariance: covariance)), and: reference,
        squaringWithin: 0
      ).value
    }
    /// The distance of the samples if one of them counts more, and all others less.
    func moved(_ index: Int, _ step: Double) throws -> Double {
      let y = zip(row(index), moments.mean).map { $0 - $1 }
      let mean = zip(moments.mean, y).map { $0 + step * $1 }
      let covariance = moments.covariance.indices.map { at in
        moments.covariance[at]
          + step * (y[at / dimension] * y[at % dimension] - moments.covariance[at])
      }
      return try distance(mean, covariance)
    }
    let step = 1e-5
    var slopes = try (0..<count).map { (try moved($0, step) - moved($0, -step)) / (2 * step) }
    let mean = slopes.reduce(0, +) / Double(count)
    slopes = slopes.map { $0 - mean }
    let largest = slopes.map(abs).max() ?? 0
    for (slope, value) in zip(slopes, influence.values) {
      #expect(abs(slope - Double(value)) <= 1e-5 * largest)
    }

    /// The distance of samples with the weights 1/N + t h / (N² σ).
    func along(_ t: Double) throws -> Double {
      let n = Double(count)
      let scale = t / (n * n * influence.summary.standardError)
      let weights = influence.values.map { 1 / n + scale * Double($0) }
      var mean = [Double](repeating: 0, count: dimension)
      for index in 0..<count {
        for (column, value) in row(index).enumerated() { mean[column] += weights[index] * value }
      }
      var covariance = [Double](repeating: 0, count: dimension * dimension)
      for index in 0..<count {
        let y = zip(row(index), mean).map { $0 - $1 }
        for at in covariance.indices {
          covariance[at] += n / (n - 1) * weights[index] * y[at / dimension] * y[at % dimension]
        }
      }
      for at in covariance.indices where at / dimension > at % dimension {
        covariance[at] = covariance[at % dimension * dimension + at / dimension]
      }
      return try distance(mean, covariance)
    }
    let wide = 0.02
    let bend = try (along(wide) - 2 * along(0) + along(-wide)) / (wide * wide)
    let curvature = bend / (2 * influence.summary.standardError)
    #expect(
      abs(curvature - influence.summary.curvature) <= 1e-3 * max(abs(curvature), 0.01),
      "\(curvature) \(influence.summary.curvature)")
  }

  // MARK: Properties

  /// Features times 8 have a distance times 64, exactly, and the shape of its errors stays.
  @Test func scaledFeatures() throws {
    var random = Normals(seed: 3)
    let rows = skewed(90, 5, random: &random)
    let small = try influence(
      rows, 5,
      on: FactoredGaussian(
        statistics(mean: [0, 0, 0, 0, 0], covariance: diagonal([1, 1, 1, 1, 1]))))
    let large = try influence(
      rows.map { 8 * $0 }, 5,
      on: FactoredGaussian(
        statistics(mean: [0, 0, 0, 0, 0], covariance: diagonal([64, 64, 64, 64, 64]))))
    for (one, other) in zip(small.values, large.values) {
      #expect(abs(64 * one - other) <= 1e-5 * Float(large.summary.standardError) * 90)
    }
    #expect(abs(64 * small.summary.standardError / large.summary.standardError - 1) <= 1e-9)
    #expect(abs(small.summary.acceleration - large.summary.acceleration) <= 1e-9)
    #expect(abs(small.summary.curvature - large.summary.curvature) <= 1e-9)
    #expect(abs(small.summary.degreesOfFreedom - large.summary.degreesOfFreedom) <= 1)
  }

  /// More rows than are multiplied at once, which must be the same as one by one.
  @Test func partsOfRowsDoNotMatter() throws {
    var random = Normals(seed: 4)
    let rows = skewed(2500, 3, random: &random)
    let reference = try FactoredGaussian(
      statistics(mean: [0, 0, 0], covariance: diagonal([1, 1, 1])))
    var starts: [Int] = []
    let all = try FrechetInfluence(of: gaussian(rows, 3), count: 2500, on: reference) {
      range throws(MetricError) in
      starts.append(range.lowerBound)
      return Array(rows[range.lowerBound * 3..<range.upperBound * 3])
    }
    #expect(starts == [0, 1024, 2048])
    let reversed = try influence(
      (0..<2500).reversed().flatMap { rows[$0 * 3..<$0 * 3 + 3] }, 3, on: reference)
    for (one, other) in zip(all.values, reversed.values.reversed()) {
      #expect(abs(one - other) <= 1e-4 * Float(all.summary.standardError) * 50)
    }
    // Its products are summed in single precision: 2⁻²⁴ √2500 is 3e-6.
    #expect(abs(all.summary.curvature - reversed.summary.curvature) <= 1e-5)
  }

  /// The jackknife and the influence of one pass are those of two, with too few samples or features for one pass, just
  /// enough of either, and with a group that is longer than what is multiplied together.
  @Test(
    arguments: [
      (45, 40, MeanPrecision.float32), (270, 256, .float64), (271, 256, .float32),
      (6000, 256, .float32), (6000, 255, .float64), (21_000, 256, .float64),
    ])
  func bothInOnePass(count: Int, dimension: Int, mean: MeanPrecision) throws {
    var random = Normals(seed: UInt64(count))
    let rows = skewed(count, dimension, random: &random)
    let reference = try FactoredGaussian(
      statistics(
        mean: [Double](repeating: 0.1, count: dimension),
        covariance: reflected(diagonal: (1...dimension).map { 1 / Double($0) })))
    var samples = try GaussianAccumulator(dimension: dimension)
    try samples.append(rows: rows)
    var done: [Int] = []
    let both = try FrechetErrors(
      of: 1, samples, from: reference, mean: mean, progress: { done.append($0) }
    ) { range throws(MetricError) in
      Array(rows[range.lowerBound * dimension..<range.upperBound * dimension])
    }
    #expect(done == Array(1...20))
    let jackknife = try Jackknife.ofDistance(1, of: samples, from: reference, mean: mean) {
      Array(rows[$0 * dimension..<($0 + 1) * dimension])
    }
    #expect(both.jackknife == jackknife)
    let alone = try influence(rows, dimension, on: reference)
    let found = try #require(both.influence)
    // The mean in single precision moves all values by 1e-7 of a deviation. Products in single precision are sums of
    // D terms, so that values of samples far from the mean have a relative error of about 2⁻²⁴ √D.
    let tolerance = 1e-5 * Float(alone.summary.standardError) * Float(count).squareRoot()
    let relative = 0x1p-24 * Float(dimension).squareRoot()
    for (one, other) in zip(found.values, alone.values) {
      #expect(abs(one - other) <= tolerance + relative * abs(other))
    }
    #expect(found.values.count == count)
    #expect(abs(found.summary.curvature - alone.summary.curvature) <= 1e-4)
    #expect(abs(found.terms.covarianceError / alone.terms.covarianceError - 1) <= 1e-4)
  }

  @Test func tooFewSamplesForOnePass() throws {
    let reference = try FactoredGaussian(statistics(mean: [0], covariance: [1]))
    func errors(_ count: Int, _ dimension: Int) throws -> FrechetErrors {
      var random = Normals(seed: 5)
      let rows = skewed(count, dimension, random: &random)
      var samples = try GaussianAccumulator(dimension: dimension)
      try samples.append(rows: rows)
      let reference =
        try dimension == 1
        ? reference
        : FactoredGaussian(
          statistics(
            mean: [Double](repeating: 0, count: dimension),
            covariance: diagonal([Double](repeating: 1, count: dimension))))
      return try FrechetErrors(of: 1, samples, from: reference) { range throws(MetricError) in
        Array(rows[range.lowerBound * dimension..<range.upperBound * dimension])
      }
    }
    expectRejection("TooFewSamples", naming: "39") { try errors(39, 1) }
    #expect(try errors(40, 40).influence == nil)
    #expect(try errors(41, 40).influence?.values.count == 41)
  }

  @Test func otherDimensionsAreRefused() throws {
    let reference = try FactoredGaussian(statistics(mean: [0], covariance: [1]))
    expectRejection("DimensionMismatch", naming: "2") {
      try influence([1, 2, 3, 4, 5, 7], 2, on: reference)
    }
  }

  @Test func theInfluenceOfRows() throws {
    var random = Normals(seed: 6)
    let rows = skewed(50, 4, random: &random)
    let other = try statistics(mean: [0, 0, 0, 0], covariance: diagonal([1, 1, 1, 1]))
    let found = try frechetInfluence(of: FeatureRows(rows, dimension: 4), on: other)
    #expect(try found == influence(rows, 4, on: FactoredGaussian(other)))
    expectRejection("TooFewSamples", naming: "4") {
      try frechetInfluence(of: FeatureRows(Array(rows.prefix(16)), dimension: 4), on: other)
    }
  }

  // MARK: Coverage

  /// 300 intervals of lognormal features at N/d = 5. Binomial with 0.95: three standard deviations are 0.038.
  @Test func intervalsOfSkewedFeaturesHold() throws {
    let (dimension, count, repeats) = (16, 80, 300)
    var random = Normals(seed: 11)
    let variances = (0..<dimension).map { pow10(-Double($0) / Double(dimension)) }
    let reference = try FactoredGaussian(
      statistics(
        mean: [Double](repeating: 0.1, count: dimension),
        covariance: diagonal(variances.map { $0 / 1.1 })))
    var values: [Double] = []
    var intervals: [ClosedRange<Double>] = []
    for _ in 0..<repeats {
      let rows = skewed(count, dimension, random: &random)
      let value = try frechetDistance(between: gaussian(rows, dimension), and: reference).value
      values.append(value)
      intervals.append(
        MetricEstimate(value, try influence(rows, dimension, on: reference).summary).interval())
    }
    let expectation = values.reduce(0, +) / Double(repeats)
    let covered = Double(intervals.count { $0.contains(expectation) }) / Double(repeats)
    #expect(covered >= 0.912, "\(covered)")
  }
}
