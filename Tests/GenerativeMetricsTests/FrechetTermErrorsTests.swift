import Foundation
import GenerativeMetrics
import Testing

@Suite struct FrechetTermErrorsTests {
  private let dimension = 6

  private func rows(_ count: Int, _ random: inout Normals, shift: Double = 0.4) throws
    -> FeatureRows
  {
    try FeatureRows(
      (0..<count).flatMap { _ in
        (0..<dimension).map { column in
          Float(shift + random.next() / Double(column + 1).squareRoot())
        }
      }, dimension: dimension)
  }

  private func reference() throws -> GaussianStatistics {
    var covariance = [Double](repeating: 0, count: dimension * dimension)
    for index in 0..<dimension { covariance[index * (dimension + 1)] = 1 / Double(index + 2) }
    return try GaussianStatistics(
      count: nil, mean: [Double](repeating: 0, count: dimension), covariance: covariance)
  }

  /// One feature, samples -1, 0, 4 against mean 0 and variance 4: m = 1, S = 7, gᵢ = 2yᵢ.
  @Test func oneFeatureByHand() throws {
    let rows = try FeatureRows([-1, 0, 4], dimension: 1)
    let found = try frechetInfluence(
      of: rows, on: GaussianStatistics(count: nil, mean: [0], covariance: [4])
    ).terms
    // Σ gᵢ² / 9 = 4 (4 + 1 + 9) / 9.
    #expect(abs(found.meanError - (56 / 9.0).squareRoot()) <= 1e-14)
    #expect(abs(found.meanBias - 7 / 3.0) <= 1e-14)
    // T = 2/√7, so that hᵢ - gᵢ is (1 - T) (yᵢ² - 14/3), for yᵢ² of 4, 1 and 9.
    let t = 1 - 2 / 7.0.squareRoot()
    let squares = [4, 1, 9].map { pow(Double($0) - 14 / 3.0, 2) }.reduce(0, +)
    #expect(abs(found.covarianceError - t * squares.squareRoot() / 3) <= 1e-14)
  }

  /// What is computed from sums is the root of the mean square of the influences on each term.
  @Test func areThoseOfTheInfluences() throws {
    var random = Normals(seed: 5)
    let samples = try rows(211, &random)
    let (n, other) = (Double(samples.count), try reference())
    let influence = try frechetInfluence(of: samples, on: other)
    let mean = (0..<dimension).map { column in
      (0..<samples.count).reduce(0) { $0 + Double(samples.values[$1 * dimension + column]) } / n
    }
    let onMean = (0..<samples.count).map { row in
      (0..<dimension).reduce(0) {
        $0 + 2 * (mean[$1] - other.mean[$1])
          * (Double(samples.values[row * dimension + $1]) - mean[$1])
      }
    }
    let meanError = onMean.reduce(0) { $0 + $1 * $1 }.squareRoot() / n
    let rest =
      zip(influence.values, onMean).reduce(0) {
        $0 + pow(Double($1.0) - $1.1, 2)
      }.squareRoot() / n
    #expect(abs(influence.terms.meanError - meanError) <= 1e-12 * meanError)
    // The influences are in float32.
    #expect(abs(influence.terms.covarianceError - rest) <= 1e-6 * rest)
  }

  /// Binomial with 200 intervals: 0.95 - 0.06 is almost four standard deviations.
  @Test func intervalsContainTheExpectation() throws {
    var random = Normals(seed: 11)
    let repeats = 200
    var terms: [(mean: Double, trace: Double, errors: FrechetTermErrors)] = []
    for _ in 0..<repeats {
      let samples = try rows(120, &random)
      let distance = try frechetDistance(betweenRows: samples.values, and: reference())
      terms.append(
        (
          distance.meanTerm, distance.traceTerm,
          try frechetInfluence(of: samples, on: reference()).terms
        ))
    }
    let means = terms.reduce(0) { $0 + $1.mean } / Double(repeats)
    let traces = terms.reduce(0) { $0 + $1.trace } / Double(repeats)
    let covered = terms.count {
      $0.errors.interval(of: $0.mean, error: $0.errors.meanError).contains(means)
    }
    let others = terms.count {
      $0.errors.interval(of: $0.trace, error: $0.errors.covarianceError).contains(traces)
    }
    #expect(Double(covered) >= 0.89 * Double(repeats), "\(covered)")
    #expect(Double(others) >= 0.89 * Double(repeats), "\(others)")
    // E |m - μ₀|² is 6 * 0.4² + tr S / N.
    let excess = terms.reduce(0) { $0 + $1.errors.meanBias } / Double(repeats)
    #expect(abs(means - excess - 0.96) < 0.05, "\(means), \(excess)")
  }

  @Test func samplesThatAreAlikeHaveNoError() throws {
    let rows = try FeatureRows([2, 2, 2], dimension: 1)
    let terms = try frechetInfluence(
      of: rows, on: GaussianStatistics(count: nil, mean: [0], covariance: [4])
    ).terms
    #expect(terms.meanError == 0 && terms.covarianceError == 0 && terms.meanBias == 0)
    #expect(terms.interval(of: 4, error: 0) == 4...4)
  }

  // MARK: Directions

  /// Two features, along the axes: samples (±1, ±2) and (0, 0) have means 0 and variances 1 and 4.
  @Test func directionsByHand() throws {
    let values: [Float] = [1, 2, 1, -2, -1, 2, -1, -2, 0, 0]
    let rows = try FeatureRows(values, dimension: 2)
    let directions = try FrechetDirections(
      of: GaussianStatistics(count: nil, mean: [0, 0], covariance: [1, 0, 0, 4]),
      from: GaussianStatistics(count: nil, mean: [0.5, 0], covariance: [1, 0, 0, 1]),
      basis: .reference)
    let errors = try directions.errors(mean: [0, 0], count: 5) { range throws(MetricError) in
      Array(rows.values[range.lowerBound * 2..<range.upperBound * 2])
    }
    for (direction, error) in zip(directions.directions, errors) {
      let s = direction.deviation
      #expect(abs(error.shift - s / 5.0.squareRoot()) <= 1e-14)
      // Four squares equal s², and one is 0.
      #expect(abs(error.deviation - s / 10) <= 1e-14)
      let shift = error.interval(ofShift: direction.shift)
      let t = studentQuantile(0.975, degreesOfFreedom: 4)
      #expect(abs(shift.upperBound - direction.shift - t * error.shift) <= 1e-12)
      #expect(error.interval(ofDeviation: s).contains(s))
    }
  }
}
