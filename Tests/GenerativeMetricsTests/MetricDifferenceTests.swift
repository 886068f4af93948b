import Foundation
import GenerativeMetrics
import Testing
import _TestSupport

@Suite("Differences of metrics") struct MetricDifferenceTests {
  // MARK: Groups

  /// Groups of 3 and 2 samples: the definition for unequal groups, of the differences or of each.
  @Test func isThatOfTheJackknife() throws {
    let sizes = [3, 2, 2]
    let first = Jackknife(value: 4, leftOut: [5, 3.5, 4.25], sizes: sizes)
    let second = Jackknife(value: 1, leftOut: [1.5, 0.75, 1], sizes: sizes)
    let paired = try MetricDifference(first, second, paired: true)
    let expected = Jackknife(value: 3, leftOut: [3.5, 2.75, 3.25], sizes: sizes)
    #expect(paired.value == 3 && paired.standardError == expected.standardError)
    #expect(paired.interval == expected.interval && paired.degreesOfFreedom == 2)
    let debiased = try MetricDifference(first, second, paired: true, isDebiased: true)
    #expect(debiased.value == 3 - (first.bias - second.bias))
    #expect(debiased.standardError == paired.standardError)
    let unpaired = try MetricDifference(first, second, paired: false)
    let error =
      (first.standardError * first.standardError
      + second.standardError * second.standardError).squareRoot()
    #expect(abs(unpaired.standardError - error) <= 1e-15 * error)
  }

  /// Errors of 3 and 4 with 19 degrees of freedom each: `25² / (81/19 + 256/19)` is 35.2. Equal errors have
  /// twice the degrees, and an error without the other has its own.
  @Test(
    "independent errors have Welch's degrees", arguments: [(3.0, 4.0, 35), (2, 2, 38), (0, 5, 19)])
  func welch(_ first: Double, _ second: Double, _ degrees: Int) throws {
    func jackknife(_ error: Double) -> Jackknife {
      let step = error / 19.0.squareRoot()
      return Jackknife(
        value: 1, leftOut: (0..<20).map { $0 % 2 == 0 ? 1 + step : 1 - step }, count: 2000)
    }
    let difference = try MetricDifference(jackknife(first), jackknife(second), paired: false)
    // 2 · 19 may be just below 38 before it is rounded down.
    #expect([degrees, degrees - 1].contains(difference.degreesOfFreedom))
    #expect(
      abs(difference.standardError - hypot(first, second)) <= 1e-12 * hypot(first, second))
  }

  @Test func pairsAreOfAsManySamples() throws {
    let leftOut = [Double](repeating: 1, count: 20)
    let (a, b) = (
      Jackknife(value: 1, leftOut: leftOut, count: 40),
      Jackknife(value: 1, leftOut: leftOut, count: 41)
    )
    #expect(throws: MetricError.self) { try MetricDifference(a, b, paired: true) }
    #expect(try MetricDifference(a, b, paired: false).value == 0)
    expectRejection("CountMismatch", naming: "3 and 2") {
      try MetricDifference(1, pairs: [1, 2, 3], [1, 2])
    }
    expectRejection("CountMismatch", naming: "0 and 0") { try MetricDifference(1, pairs: [], []) }
  }

  @Test func otherErrorsAddTheirVariance() throws {
    let one = Jackknife(value: 1, leftOut: (0..<20).map { $0 % 2 == 0 ? 2 : 0 }, count: 40)
    let difference = try MetricDifference(
      one, one, paired: true, extraErrors: (3, 4))
    #expect(difference.value == 0 && difference.standardError == 5)
  }

  // MARK: Influences

  /// Differences of 3, -1, -1, -1: the squares add up to 12, the cubes to 24, the fourth powers to 84.
  @Test func pairsByHand() throws {
    let difference = try MetricDifference(2, pairs: [5, 1, 0, 2], [2, 2, 1, 3])
    #expect(abs(difference.standardError - 12.squareRoot() / 4) <= 1e-15)
    #expect(abs(difference.skewness - 24 / (12 * 12.squareRoot())) <= 1e-15)
    // 8 / (7/3 - 1) is 6, perhaps just below.
    #expect(5...6 ~= difference.degreesOfFreedom)
    // A tolerance that is the value itself leaves H = g / 6.
    let p = studentProbability(
      -difference.skewness / 6, degreesOfFreedom: difference.degreesOfFreedom)
    #expect(abs(difference.probability(atTolerance: 2) - p) <= 1e-15)
  }

  @Test func equalInfluencesMakeTheDifferenceExact() throws {
    let difference = try MetricDifference(2, pairs: [1, 2, 3], [1, 2, 3])
    #expect(difference.standardError == 0 && difference.interval == 2...2)
    #expect(difference.probability(atTolerance: 1) == 0)
    #expect(difference.probability(atTolerance: 2) == 1)
  }

  @Test func independentCumulantsAdd() {
    let one = InfluenceSummary(
      standardError: 3, acceleration: 0.1, curvature: 0, degreesOfFreedom: 50)
    let other = InfluenceSummary(
      standardError: 4, acceleration: 0.2, curvature: 0, degreesOfFreedom: 50)
    let difference = MetricDifference(1, independent: one, other)
    #expect(difference.standardError == 5)
    #expect(abs(difference.skewness - (0.6 * 27 - 1.2 * 64) / 125) <= 1e-14)
    // 625 · 50 / 337
    #expect(difference.degreesOfFreedom == 92)
  }

  /// The ends of the interval are the tolerances whose probabilities are 2.5 and 97.5 %.
  @Test("the interval inverts the test", arguments: [-0.8, -1e-7, 0, 1e-5, 0.3, 1.2])
  func inversion(_ acceleration: Double) {
    let one = InfluenceSummary(
      standardError: 2, acceleration: acceleration, curvature: 0, degreesOfFreedom: 30)
    let exact = InfluenceSummary(
      standardError: 0, acceleration: 0, curvature: 0, degreesOfFreedom: 30)
    let difference = MetricDifference(7, independent: one, exact)
    #expect(difference.interval.contains(7))
    let (low, high) = (difference.interval.lowerBound, difference.interval.upperBound)
    #expect(abs(difference.probability(atTolerance: low) - 0.025) <= 1e-9)
    #expect(abs(difference.probability(atTolerance: high) - 0.975) <= 1e-9)
  }

  /// Means of 30 exponential numbers, whose skewness of 0.37 makes Student's t reject too often below. Of
  /// 4,000 tests at 5 %, three standard deviations are 1.03 %; Hall's second-order error is added.
  @Test func skewnessIsRemoved() throws {
    var random = Normals(seed: 8)
    var (above, below) = (0, 0)
    let (repeats, count) = (4000, 30)
    for _ in 0..<repeats {
      let values = (0..<count).map { _ in
        // The sum of the squares of two normal numbers, halved, is exponential.
        let (x, y) = (random.next(), random.next())
        return (x * x + y * y) / 2
      }
      let mean = values.reduce(0, +) / Double(count)
      let difference = try MetricDifference(
        mean, pairs: values.map { Float($0 - mean) },
        [Float](repeating: 0, count: count))
      let p = difference.probability(atTolerance: 1)
      if p <= 0.05 { above += 1 }
      if p >= 0.95 { below += 1 }
    }
    let shares = [above, below].map { Double($0) / Double(repeats) }
    #expect(shares.allSatisfy { 0.02...0.07 ~= $0 }, "\(shares)")
  }
}
