import Foundation
import GenerativeMetrics
import Testing

@Suite struct ClassBalanceTests {
  // MARK: By hand

  /// 10 and 30 images against 20 and 20: expected are 15 and 25 on both sides.
  @Test func twoClassesOfTwoSamples() throws {
    let balance = try ClassBalance(counts: [10, 30], reference: [20, 20])
    let expected: Double = 2 * (25 / 15.0 + 25 / 25.0)
    #expect(abs(balance.statistic - expected) <= 1e-14)
    #expect(balance.degreesOfFreedom == 1)
    // With one degree of freedom, the residuals are those of one normal variable.
    #expect(abs(balance.pValue - erfc((expected / 2).squareRoot())) <= 1e-14)
    #expect(balance.deviations.map(\.expected) == [15, 25])
    #expect(balance.deviations.allSatisfy { abs($0.residual * $0.residual - expected) <= 1e-13 })
    #expect(balance.deviations[0].residual < 0 && balance.deviations[1].residual > 0)
    #expect(balance.smallestExpected == 15 && balance.smallShare == 0 && balance.isDependable)
  }

  @Test func threeClassesOfGivenProbabilities() throws {
    let balance = try ClassBalance(counts: [12, 8, 20], probabilities: [0.25, 0.25, 0.5])
    #expect(abs(balance.statistic - 0.8) <= 1e-14)  // 4/10 + 4/10 + 0
    #expect(balance.degreesOfFreedom == 2)
    #expect(abs(balance.pValue - exp(-0.4)) <= 5e-15)
    #expect(abs(balance.deviations[0].residual - 2 / 7.5.squareRoot()) <= 1e-15)
    #expect(balance.deviations[2].residual == 0)
    #expect(balance.mostDeviating(2).map(\.index) == [0, 1])
    #expect(balance.mostDeviating(0).isEmpty && balance.mostDeviating(-1).isEmpty)
    #expect(balance.mostDeviating(9).map(\.index) == [0, 1, 2])
  }

  // MARK: Reference numbers

  @Test("agrees with scipy", arguments: Golden<BalanceCase>.read("class_balance"))
  func agreesWithSciPy(golden: BalanceCase) throws {
    let two = try ClassBalance(counts: golden.counts, reference: golden.reference)
    let one = try ClassBalance(counts: golden.counts, probabilities: golden.probabilities)
    #expect(two.degreesOfFreedom == golden.degreesOfFreedom)
    for (got, expected) in [(two, golden.homogeneity), (one, golden.fit)] {
      #expect(abs(got.statistic / expected[0] - 1) <= 1e-12)
      #expect(abs(got.pValue / expected[1] - 1) <= 1e-10)
    }
  }

  @Test("probabilities agree with scipy", arguments: Golden<ChiSquaredCase>.read("chi_squared"))
  func probabilities(golden: ChiSquaredCase) {
    let p = chiSquaredProbability(
      above: golden.statistic, degreesOfFreedom: golden.degreesOfFreedom)
    expect(abs(p / golden.pValue - 1), within: 1e-12, "\(golden)")
  }

  // MARK: Properties

  @Test func probabilitiesOfOneAndTwoDegreesOfFreedom() {
    for x in [0.001, 0.3, 1, 2.9, 3.1, 10, 100, 1000] {
      let two = chiSquaredProbability(above: x, degreesOfFreedom: 2)
      #expect(abs(two / exp(-x / 2) - 1) <= 1e-13)
      let one = chiSquaredProbability(above: x, degreesOfFreedom: 1)
      #expect(abs(one / erfc((x / 2).squareRoot()) - 1) <= 1e-12)
    }
    #expect(chiSquaredProbability(above: 0, degreesOfFreedom: 5) == 1)
    #expect(chiSquaredProbability(above: .infinity, degreesOfFreedom: 5) == 0)
    #expect(chiSquaredProbability(above: 1e300, degreesOfFreedom: 5) == 0)
    for (x, freedom) in [(-1, 3), (.nan, 3), (1, 0), (1, -4)] as [(Double, Int)] {
      #expect(chiSquaredProbability(above: x, degreesOfFreedom: freedom).isNaN)
    }
  }

  @Test func equalSharesDoNotDeviate() throws {
    let balance = try ClassBalance(counts: [10, 20, 30], reference: [100, 200, 300])
    #expect(balance.statistic <= 1e-28 && balance.pValue >= 1 - 1e-13)
    #expect(balance.deviations.allSatisfy { abs($0.residual) <= 1e-14 })
  }

  @Test func sidesOfTwoSamplesAreAlike() throws {
    let (a, b) = ([3, 9, 14, 0, 5], [7, 2, 30, 4, 0])
    let (one, other) = try (
      ClassBalance(counts: a, reference: b), ClassBalance(counts: b, reference: a)
    )
    #expect(abs(one.statistic - other.statistic) <= 1e-13)
    for (x, y) in zip(one.deviations, other.deviations) {
      #expect(abs(x.residual + y.residual) <= 1e-13)
    }
  }

  // MARK: Few counts

  @Test func emptyClassesAreLeftOut() throws {
    let with = try ClassBalance(counts: [10, 0, 30, 0], reference: [20, 0, 20, 0])
    let without = try ClassBalance(counts: [10, 30], reference: [20, 20])
    #expect(with.statistic == without.statistic && with.degreesOfFreedom == 1)
    #expect(with.deviations.map(\.index) == [0, 2])
    let fit = try ClassBalance(counts: [0, 12, 28], probabilities: [0, 0.25, 0.75])
    #expect(fit.degreesOfFreedom == 1)
    // A class that only one side lacks stays.
    let missing = try ClassBalance(counts: [10, 0, 30], reference: [20, 5, 20])
    #expect(missing.degreesOfFreedom == 2 && missing.deviations[1].residual < 0)
  }

  @Test func impossibleImages() throws {
    let balance = try ClassBalance(counts: [1, 12, 28], probabilities: [0, 0.25, 0.75])
    #expect(balance.statistic == .infinity && balance.pValue == 0)
    #expect(balance.mostDeviating(1)[0].residual == .infinity)
    let certain = try ClassBalance(counts: [5, 1], probabilities: [1, 0])
    #expect(certain.pValue == 0 && certain.deviations.map(\.residual) == [-.infinity, .infinity])
  }

  @Test func cochransRule() throws {
    let uniform = [Double](repeating: 0.1, count: 10)
    func balance(_ total: Int, _ p: [Double]) throws -> ClassBalance {
      try ClassBalance(
        counts: [total] + [Int](repeating: 0, count: p.count - 1), probabilities: p)
    }
    #expect(try balance(50, uniform).isDependable)
    #expect(try balance(49, uniform).smallShare == 1)
    #expect(try !balance(49, uniform).isDependable)
    // One of five below 5, then below 1.
    #expect(try balance(100, [0.25, 0.25, 0.25, 0.23, 0.02]).isDependable)
    #expect(try !balance(100, [0.25, 0.25, 0.25, 0.245, 0.005]).isDependable)
  }

  // MARK: Rejections

  @Test func rejections() {
    let two = [0.5, 0.5]
    expectRejection("ShapeMismatch", naming: "2 and 3 classes") {
      try ClassBalance(counts: [1, 2], reference: [1, 2, 3])
    }
    expectRejection("ShapeMismatch", naming: "2 and 1 classes") {
      try ClassBalance(counts: [1, 2], probabilities: [1])
    }
    expectRejection("ShapeMismatch", naming: "class 1 has -2") {
      try ClassBalance(counts: [1, -2], probabilities: two)
    }
    expectRejection("ShapeMismatch", naming: "class 0 has -1") {
      try ClassBalance(counts: [1, 2], reference: [-1, 2])
    }
    for counts in [[], [0, 0]] {
      expectRejection("TooFewSamples", naming: "0 samples") {
        try ClassBalance(counts: counts, reference: counts)
      }
    }
    expectRejection("TooFewSamples", naming: "0 samples") {
      try ClassBalance(counts: [1, 1], reference: [0, 0])
    }
    expectRejection("TooFewSamples", naming: "1 classes") {
      try ClassBalance(counts: [4, 0], reference: [3, 0])
    }
    expectRejection("TooFewSamples", naming: "1 classes") {
      try ClassBalance(counts: [4], probabilities: [1])
    }
    expectRejection("NonFinite", naming: "class 1") {
      try ClassBalance(counts: [1, 2], probabilities: [1, .nan])
    }
    expectRejection("ShapeMismatch", naming: "class 1 is -0.5") {
      try ClassBalance(counts: [1, 2], probabilities: [1.5, -0.5])
    }
    expectRejection("ShapeMismatch", naming: "add up to 0.75") {
      try ClassBalance(counts: [1, 2], probabilities: [0.5, 0.25])
    }
  }
}

struct BalanceCase: Decodable, Sendable, CustomTestStringConvertible {
  let counts: [Int]
  let reference: [Int]
  let probabilities: [Double]
  /// The statistic and the p-value.
  let homogeneity: [Double]
  let degreesOfFreedom: Int
  let fit: [Double]

  var testDescription: String { "\(counts.count) classes" }
}

struct ChiSquaredCase: Decodable, Sendable, CustomTestStringConvertible {
  let statistic: Double
  let degreesOfFreedom: Int
  let pValue: Double

  var testDescription: String { "above \(statistic), \(degreesOfFreedom) degrees of freedom" }
}
