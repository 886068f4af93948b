import GenerativeMetrics
import Testing
import _TestSupport

@Suite struct FrechetDistanceTests {
  // MARK: By hand

  @Test func independentFeaturesAddTheSquaredDifferenceOfTheirDeviations() throws {
    let a = try statistics(mean: [1, 2, 3], covariance: diagonal([4, 9, 1]))
    let b = try statistics(mean: [1, 0, 3], covariance: diagonal([1, 16, 25]))
    let distance = try frechetDistance(between: a, and: b)
    #expect(distance.meanTerm == 4)
    #expect(abs(distance.traceTerm - (1 + 1 + 16)) < 1e-13)
    #expect(distance.value == distance.meanTerm + distance.traceTerm)
    #expect(distance.factorizations.map(\.method) == [.cholesky, .cholesky])
    #expect(!distance.isRankDeficient)
  }

  @Test func constantFeaturesHaveTheDistanceOfTheirMeans() throws {
    let a = try statistics(mean: [3, 0], covariance: diagonal([0, 0]))
    let b = try statistics(mean: [0, 4], covariance: diagonal([0, 0]))
    let distance = try frechetDistance(between: a, and: b)
    #expect(distance.value == 25)
    #expect(distance.factorizations.map(\.rank) == [0, 0])
    #expect(distance.isRankDeficient)
  }

  @Test("huge and tiny variances neither overflow nor vanish", arguments: [1e-200, 1e200])
  func extremeScales(scale: Double) throws {
    let a = try statistics(mean: [0, 0], covariance: diagonal([4 * scale, 1 * scale]))
    let b = try statistics(mean: [0, 0], covariance: diagonal([1 * scale, 9 * scale]))
    let distance = try frechetDistance(between: a, and: b)
    #expect(abs(distance.value / scale - (1 + 4)) <= 1e-14)
  }

  // MARK: Reference numbers

  /// Singular values that are not squared are within the bound of every step, ``FrechetCase/rounding``.
  /// Squared ones may lose 1e-9 of the traces by LAPACK's estimate; what is asserted of them is the figure
  /// of the README. In any order of the features the largest error is 3.8e-14 of the traces for covariances
  /// of full rank and 3.2e-13 for others (150 to 300 random orders of each case).
  @Test("agrees with 80 digits", arguments: Golden<FrechetCase>.read("frechet"))
  func agreesWithMPMath(golden: FrechetCase) throws {
    let (a, b) = try golden.statistics()
    let trace = trace(a) + trace(b)
    let (first, second) = try (FactoredGaussian(a), FactoredGaussian(b))
    for (tolerance, bound) in [(0, golden.rounding), (1e-9, max(golden.rounding, 1e-12))] {
      let distance = try frechetDistance(between: first, and: second, squaringWithin: tolerance)
      let error = abs(distance.traceTerm - golden.traceTerm) / trace
      expect(
        error, within: bound,
        "Fréchet distance, \(golden.testDescription), squaring within \(tolerance)")
      #expect(distance.factorizations.map(\.rank) == golden.rank)
      for (factorization, rank) in zip(distance.factorizations, golden.rank) {
        #expect(factorization.method == (rank == golden.dimension ? .cholesky : .eigen))
      }
      #expect(distance.meanTerm == golden.meanTerm)
    }
  }

  /// With full rank and condition numbers up to 1e8 the bound is below the figure of the README.
  @Test func theBoundIsUseful() {
    let full = Golden<FrechetCase>.read("frechet").filter {
      $0.rank == [$0.dimension, $0.dimension]
    }
    #expect(full.count >= 20 && full.allSatisfy { $0.rounding <= 3.5e-13 })
  }

  /// S₁ = Q diag(a) Q, S₂ = Q diag(b) Q with one reflection Q: the distance is that of diagonals.
  @Test("2048 dimensions agree with the closed form", arguments: [2048, 1000])
  func agreesWithClosedForm(rank: Int) throws {
    let dimension = 2048
    let a = (0..<dimension).map { $0 < rank ? pow10(-8 * Double($0) / Double(dimension)) : 0 }
    let b = (0..<dimension).map { pow10(-8 * Double(($0 * 5 + 3) % dimension) / Double(dimension)) }
    let zero = [Double](repeating: 0, count: dimension)
    let distance = try frechetDistance(
      between: statistics(mean: zero, covariance: reflected(diagonal: a)),
      and: statistics(mean: zero, covariance: reflected(diagonal: b)))
    let expected = zip(a, b).reduce(0) {
      $0 + ($1.0.squareRoot() - $1.1.squareRoot()) * ($1.0.squareRoot() - $1.1.squareRoot())
    }
    let trace = (a + b).reduce(0, +)
    // The figure of the README. On Nehalem and Haswell cores the error is at most 1.3e-14.
    expect(
      abs(distance.value - expected) / trace, within: 1e-12,
      "Fréchet distance, rank \(rank) of 2048")
    #expect(distance.factorizations.map(\.rank) == [rank, dimension])
  }

  // MARK: Properties

  /// A different order of the features gives different sums and the same distance, as does a different
  /// processor.
  @Test(
    "the order of the features does not matter",
    arguments: Golden<FrechetCase>.read("frechet").filter { 7...33 ~= $0.dimension })
  func orderOfFeatures(golden: FrechetCase) throws {
    let (a, b) = try golden.statistics()
    let trace = trace(a) + trace(b)
    var generator = SeededGenerator(seed: 17)
    for _ in 0..<10 {
      let order = (0..<golden.dimension).shuffled(using: &generator)
      let distance = try frechetDistance(
        between: a.reordered(order), and: b.reordered(order))
      let error = abs(distance.traceTerm - golden.traceTerm) / trace
      expect(error, within: 1e-12, "Fréchet distance, \(golden.testDescription), reordered")
    }
  }

  @Test("a set with itself is 0 up to rounding, and never negative", arguments: [1, 2, 7, 33, 130])
  func selfDistance(dimension: Int) throws {
    for count in [2, dimension / 2 + 2, 3 * dimension + 1] {
      let rows = features(count, dimension, seed: UInt64(count))
      let set = try statistics(of: rows, dimension)
      let trace = trace(set)
      for distance in try [
        frechetDistance(between: set, and: set), frechetDistance(betweenRows: rows, and: set),
      ] {
        #expect(0...1e-9 * trace ~= distance.value)
        #expect(distance.negativeRounding <= 0 && distance.negativeRounding >= -1e-9 * trace)
      }
    }
  }

  @Test func theOrderOfTheArgumentsDoesNotMatter() throws {
    let a = try statistics(of: features(60, 20, seed: 1), 20)
    let b = try statistics(of: features(11, 20, seed: 2, scale: 3), 20)
    let (there, back) = try (
      frechetDistance(between: a, and: b), frechetDistance(between: b, and: a)
    )
    // Each is within 1e-12 of the traces, see agreesWithMPMath.
    #expect(abs(there.value - back.value) <= 2e-12 * (trace(a) + trace(b)))
    #expect(there.factorizations == back.factorizations.reversed())
    #expect(there.factorizations.map(\.method) == [.cholesky, .eigen])
  }

  @Test func rotatingBothSetsChangesNothingAndMovingOneAddsToTheMeanTerm() throws {
    let (a, b) = (features(90, 16, seed: 3), features(90, 16, seed: 4, scale: 2))
    let plain = try frechetDistance(between: statistics(of: a, 16), and: statistics(of: b, 16))
    let turned = try frechetDistance(
      between: statistics(of: reflected(rows: a, 16), 16),
      and: statistics(of: reflected(rows: b, 16), 16))
    #expect(abs(turned.value - plain.value) <= 1e-6 * plain.value)  // the rows are rounded to Float

    let set = try statistics(of: a, 16)
    let moved = try frechetDistance(
      between: set, and: statistics(mean: set.mean.map { $0 + 2 }, covariance: set.covariance))
    #expect(abs(moved.value - 4 * 16) <= 1e-12 * 64)
  }

  @Test("few rows give the distance of their statistics", arguments: [2, 3, 16, 29, 30, 31, 90])
  func rowsAgreeWithStatistics(count: Int) throws {
    let rows = features(count, 30, seed: 5, scale: 2)
    for reference in try [200, 12].map({ try statistics(of: features($0, 30, seed: 6), 30) }) {
      let direct = try frechetDistance(betweenRows: rows, and: reference)
      let expected = try frechetDistance(between: statistics(of: rows, 30), and: reference)
      // Each is within 1e-12 of the traces, see agreesWithMPMath.
      let trace = try trace(statistics(of: rows, 30)) + trace(reference)
      #expect(abs(direct.value - expected.value) <= 2e-12 * trace)
      #expect(direct.factorizations.map(\.rank) == expected.factorizations.map(\.rank))
      #expect((direct.factorizations.first?.method == .lowRank) == (count <= 30))
    }
  }

  @Test func identicalRowsHaveNoVariance() throws {
    let reference = try statistics(mean: [0, 0, 0], covariance: diagonal([1, 4, 9]))
    let distance = try frechetDistance(betweenRows: [1, 2, 3, 1, 2, 3], and: reference)
    #expect(distance.value == 14 + 14)
  }

  // MARK: Rejections

  @Test func setsOfDifferentDimensionsAreRejected() throws {
    let a = try statistics(mean: [0], covariance: [1])
    let b = try statistics(mean: [0, 0], covariance: diagonal([1, 1]))
    expectRejection("DimensionMismatch") { try frechetDistance(between: a, and: b) }
  }

  @Test("negative eigenvalues beyond rounding are rejected and named")
  func indefiniteCovariance() throws {
    let unit = try statistics(mean: [0, 0], covariance: diagonal([1, 1]))
    for covariance in [[1.0, 2, 2, 1], [0, 1, 1, 0], [-1, 0, 0, -1], [1, 0, 0, -1e-9]] {
      let indefinite = try statistics(mean: [0, 0], covariance: covariance)
      expectRejection("NotPositiveSemidefinite", naming: "smallest eigenvalue -1") {
        try frechetDistance(between: unit, and: indefinite)
      }
    }
  }

  @Test func negativeEigenvaluesWithinRoundingAreClampedAndCounted() throws {
    let unit = try statistics(mean: [0, 0], covariance: diagonal([1, 1]))
    let float64 = try statistics(mean: [0, 0], covariance: diagonal([1, -1e-11]))
    let half = try GaussianStatistics(
      count: nil, mean: [0, 0], covariance: diagonal([1, -5e-4]), relativePrecision: 0x1p-10)
    for (set, mass) in [(float64, 1e-11), (half, 5e-4)] {
      let distance = try frechetDistance(between: set, and: unit)
      #expect(distance.factorizations[0].method == .eigen)
      #expect(distance.factorizations[0].rank == 1)
      #expect(distance.factorizations[0].clampedMass == mass)
      #expect(abs(distance.value - (1 - mass)) < 1e-14)
    }
  }

  @Test func anOverflowIsRejectedAndNotPrinted() throws {
    let a = try statistics(mean: [1e200], covariance: [1])
    let b = try statistics(mean: [-1e200], covariance: [1])
    expectRejection("Overflow") { try frechetDistance(between: a, and: b) }
  }

  @Test(
    "malformed rows are rejected",
    arguments: [
      ("ShapeMismatch", [1, 2, 3]), ("TooFewSamples", [1, 2]), ("TooFewSamples", []),
      ("NonFinite", [1, 2, .nan, 4]), ("NonFinite", [1, 2, 3, .infinity]),
    ] as [(String, [Float])])
  func malformedRows(code: String, rows: [Float]) throws {
    let reference = try statistics(mean: [0, 0], covariance: diagonal([1, 1]))
    expectRejection(code, naming: code == "NonFinite" ? "sample 1" : "") {
      try frechetDistance(betweenRows: rows, and: reference)
    }
  }
}

/// One pair of covariances `Rᵀ diag(w) R` and the distance to 80 digits.
struct FrechetCase: Decodable, Sendable, CustomTestStringConvertible {
  let name: String
  let dimension: Int
  /// The condition numbers of both covariances; nil unless both have full rank.
  let condition: [Double]?
  let rank: [Int]
  let rows: [[Int]]
  let weights: [[Int]]
  let means: [[Double]]
  let meanTerm: Double
  let traceTerm: Double
  let sensitivity: Sensitivity

  /// How much of a relative error of each step gets into the trace term, relative to the traces; the sums
  /// that ``frechetDistance(between:and:)`` names, from `scripts/fixtures/frechet.py`.
  struct Sensitivity: Decodable, Sendable {
    /// `Σ |M| ∘ |F|ᵀ|F|` of a Cholesky factor, `2 ‖S‖ ‖M‖_*` of scaled eigenvectors.
    let factors: [Double]
    /// `2 Σ |W| ∘ |F₁||F₂|ᵀ`.
    let product: Double
    /// `2 R σ₁` for R singular values.
    let values: Double
  }

  /// A bound on the rounding error of the trace term, relative to the traces, where singular values are
  /// not squared.
  ///
  /// Sums of at most D products, in any order, with or without fused multiplication, are off by γ of the
  /// sum of the absolute values, with γ = n u / (1 - n u) and n = D + 3 that also covers the divisions and
  /// roots of a factor (Higham, 3.13 and Theorem 10.3). That holds for the factor, the product, the trace
  /// and the sum of the singular values, which is at most half of the traces. For the backward error of
  /// LAPACK's eigenvectors and singular values p(D) 2u of the norm is taken with p(D) = D; LAPACK's own
  /// test program passes 50 D (the thresholds of `sep.in` and `svd.in`). Eigenvectors are as far from
  /// orthogonal, once more D u of the traces. All of this is of first order; the terms of second order are
  /// smaller by γ κ, less than 1e-6.
  var rounding: Double {
    let unit = 0x1p-53
    let terms = Double(dimension) + 3
    let gamma = terms * unit / (1 - terms * unit)
    let backward = Double(dimension) * 2 * unit
    let factors = zip(rank, sensitivity.factors).map { rank, sensitivity in
      rank == dimension ? gamma * sensitivity : backward * (sensitivity + 0.5)
    }
    return factors.reduce(0, +) + gamma * (sensitivity.product + 2)
      + backward * sensitivity.values
  }

  var testDescription: String { "\(name), \(dimension) dimensions" }

  /// Exact: every sum is of integers below 2⁵³.
  func statistics() throws -> (GaussianStatistics, GaussianStatistics) {
    let sides = try (0..<2).map { side in
      var covariance = [Double](repeating: 0, count: dimension * dimension)
      for (index, weight) in weights[side].enumerated() {
        let row = rows[side][index * dimension..<(index + 1) * dimension].map(Double.init)
        for i in 0..<dimension {
          for j in 0..<dimension {
            covariance[i * dimension + j] += Double(weight) * row[i] * row[j]
          }
        }
      }
      return try GaussianStatistics(count: nil, mean: means[side], covariance: covariance)
    }
    return (sides[0], sides[1])
  }
}

extension GaussianStatistics {
  /// With the features in another order.
  fileprivate func reordered(_ order: [Int]) throws -> GaussianStatistics {
    try GaussianStatistics(
      count: nil, mean: order.map { mean[$0] },
      covariance: order.flatMap { row in order.map { covariance[row * dimension + $0] } })
  }
}
