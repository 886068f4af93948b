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

  @Test("agrees with 80 digits", arguments: Golden<FrechetCase>.read("frechet"))
  func agreesWithMPMath(golden: FrechetCase) throws {
    let (a, b) = try golden.statistics()
    let distance = try frechetDistance(between: a, and: b)
    let trace = trace(a) + trace(b)
    let error = abs(distance.traceTerm - golden.traceTerm)
    if golden.rank.allSatisfy({ $0 == golden.dimension }) {
      #expect(error <= 1e-14 * trace, "\(error / trace) of the traces")
      #expect(distance.factorizations.map(\.method) == [.cholesky, .cholesky])
    } else {
      #expect(error <= 1e-12 * golden.traceTerm, "\(error / golden.traceTerm), relative")
    }
    #expect(distance.factorizations.map(\.rank) == golden.rank)
    #expect(distance.meanTerm == golden.meanTerm)
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
    #expect(abs(distance.value - expected) <= 1e-12 * trace)
    #expect(distance.factorizations.map(\.rank) == [rank, dimension])
  }

  // MARK: Properties

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
    #expect(abs(there.value - back.value) <= 1e-13 * there.value)
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
      #expect(abs(direct.value - expected.value) <= 1e-12 * expected.value)
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
  let rank: [Int]
  let rows: [[Int]]
  let weights: [[Int]]
  let means: [[Double]]
  let meanTerm: Double
  let traceTerm: Double

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
