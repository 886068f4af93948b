import GenerativeMetrics
import Testing
import _TestSupport

@Suite struct CovarianceSquareRootTests {
  // MARK: By hand

  @Test func theRootOfADiagonalHasTheRoots() throws {
    let root = try statistics(mean: [1, 2, 3], covariance: diagonal([4, 9, 1])).squareRoot()
    #expect(root.dimension == 3)
    for (value, expected) in zip(root.values, diagonal([2, 3, 1])) {
      #expect(abs(value - expected) <= root.errorBound)
    }
    #expect(root.errorBound <= 1e-13)
    #expect(root.factorization.method == .eigen)
    #expect(root.factorization.rank == 3 && root.factorization.clampedMass == 0)
  }

  /// [[5, 4], [4, 5]] is the square of [[2, 1], [1, 2]].
  @Test func theRootOfASquareIsItsBase() throws {
    let root = try statistics(mean: [0, 0], covariance: [5, 4, 4, 5]).squareRoot()
    for (value, expected) in zip(root.values, [2, 1, 1, 2]) {
      #expect(abs(value - Double(expected)) <= root.errorBound)
    }
  }

  @Test func aZeroCovarianceHasTheRootZero() throws {
    let root = try statistics(mean: [0, 0], covariance: diagonal([0, 0])).squareRoot()
    #expect(root.values == [0, 0, 0, 0] && root.errorBound == 0)
    #expect(root.factorization.rank == 0)
  }

  @Test func theTraceOfDiagonalsIsTheSumOfTheProductsOfDeviations() throws {
    let a = try statistics(mean: [1, 2], covariance: diagonal([4, 9]))
    let b = try statistics(mean: [0, 0], covariance: diagonal([16, 25]))
    let trace = try squareRootTrace(ofProductOf: a, and: b)
    #expect(abs(trace.value - (2 * 4 + 3 * 5)) <= trace.errorBound)
    #expect(trace.errorBound <= 1e-12)
    #expect(trace.factorizations.map(\.method) == [.cholesky, .cholesky])
  }

  // MARK: Reference numbers

  /// The largest singular value of the error is at least the largest error of an element, and at least
  /// the norm of the error divided by √D.
  @Test("agrees with 80 digits", arguments: Golden<RootCase>.read("square_root"))
  func agreesWithMPMath(golden: RootCase) throws {
    let root = try golden.statistics().squareRoot()
    let errors = zip(root.values, golden.root).map { $0 - $1 }
    let norm = errors.reduce(0) { $0 + $1 * $1 }.squareRoot()
    expect(
      norm / Double(golden.dimension).squareRoot(), within: root.errorBound,
      "square root, \(golden.testDescription)")
    for error in errors { #expect(abs(error) <= root.errorBound) }
    #expect(root.factorization.rank == golden.rank)
    // Of the largest element, as long as the eigenvalues do not differ much more than the elements.
    let largest = golden.root.reduce(0) { max($0, abs($1)) }
    if let condition = golden.condition, condition < 1e5 {
      #expect(root.errorBound <= 1e-10 * largest)
    }
  }

  @Test("the trace agrees with 80 digits", arguments: Golden<FrechetCase>.read("frechet"))
  func traceAgreesWithMPMath(golden: FrechetCase) throws {
    let (a, b) = try golden.statistics()
    let sum = trace(a) + trace(b)
    let found = try squareRootTrace(ofProductOf: a, and: b)
    // The golden number is rounded to float64.
    let expected = (sum - golden.traceTerm) / 2
    expect(
      abs(found.value - expected), within: found.errorBound + 0x1p-53 * sum,
      "trace of a root, \(golden.testDescription)")
    #expect(found.factorizations.map(\.rank) == golden.rank)
    if let condition = golden.condition, condition.allSatisfy({ $0 < 1e5 }) {
      #expect(found.errorBound <= 1e-9 * sum)
    }
  }

  // MARK: Properties

  @Test("the square of a root is the covariance", arguments: [1, 2, 7, 33, 130])
  func squares(dimension: Int) throws {
    for count in [dimension / 2 + 2, 3 * dimension + 1] {
      let set = try statistics(of: features(count, dimension, seed: UInt64(count)), dimension)
      let root = try set.squareRoot()
      // ‖R R - S‖ <= ‖E‖ (2 ‖S^½‖ + ‖E‖) for the error E, in float64 sums of D products.
      let norm = trace(set).squareRoot()
      let bound = root.errorBound * (2 * norm + root.errorBound) + 1e-13 * trace(set)
      for i in 0..<dimension {
        for j in 0..<dimension {
          #expect(root.values[i * dimension + j] == root.values[j * dimension + i])
          let square = (0..<dimension).reduce(0) {
            $0 + root.values[i * dimension + $1] * root.values[$1 * dimension + j]
          }
          #expect(abs(square - set.covariance[i * dimension + j]) <= bound)
        }
      }
    }
  }

  @Test func theTraceIsThatOfTheDistance() throws {
    let a = try statistics(of: features(60, 20, seed: 1), 20)
    let b = try statistics(of: features(11, 20, seed: 2, scale: 3), 20)
    let found = try squareRootTrace(ofProductOf: a, and: b)
    let distance = try frechetDistance(between: a, and: b)
    let sum = trace(a) + trace(b)
    #expect(abs(sum - 2 * found.value - distance.traceTerm) <= 1e-9 * sum)
    #expect(found.factorizations == distance.factorizations)
    // tr (S S)^½ = tr S.
    let own = try squareRootTrace(ofProductOf: a, and: a)
    #expect(abs(own.value - trace(a)) <= own.errorBound)
  }

  @Test("huge and tiny variances neither overflow nor vanish", arguments: [1e-200, 1e200])
  func extremeScales(scale: Double) throws {
    let a = try statistics(mean: [0, 0], covariance: diagonal([4 * scale, 1 * scale]))
    let b = try statistics(mean: [0, 0], covariance: diagonal([1 * scale, 9 * scale]))
    let found = try squareRootTrace(ofProductOf: a, and: b)
    #expect(abs(found.value / scale - 5) <= 1e-14 && found.errorBound / scale <= 1e-12)
    let root = try a.squareRoot()
    #expect(abs(root.values[0] / scale.squareRoot() - 2) <= 1e-14)
    #expect(root.errorBound / scale.squareRoot() <= 1e-13)
  }

  /// An eigenvalue of -1e-11 that counts as rounding is in the bound.
  @Test func clampedEigenvaluesAreInTheBound() throws {
    let set = try statistics(mean: [0, 0], covariance: diagonal([1, -1e-11]))
    let root = try set.squareRoot()
    #expect(root.factorization.rank == 1 && root.factorization.clampedMass == 1e-11)
    #expect(root.values == [1, 0, 0, 0])
    #expect((1e-6...1e-5).contains(root.errorBound))
    let unit = try statistics(mean: [0, 0], covariance: diagonal([1, 1]))
    let trace = try squareRootTrace(ofProductOf: set, and: unit)
    #expect(abs(trace.value - 1) <= trace.errorBound)
    #expect(trace.errorBound >= 1e-6)
  }

  // MARK: Rejections

  @Test func impossibleInputsAreRejected() throws {
    let indefinite = try statistics(mean: [0, 0], covariance: [1, 2, 2, 1])
    let unit = try statistics(mean: [0, 0], covariance: diagonal([1, 1]))
    let one = try statistics(mean: [0], covariance: [1])
    expectRejection("NotPositiveSemidefinite", naming: "smallest eigenvalue -1") {
      try indefinite.squareRoot()
    }
    expectRejection("NotPositiveSemidefinite") {
      try squareRootTrace(ofProductOf: unit, and: indefinite)
    }
    expectRejection("DimensionMismatch") { try squareRootTrace(ofProductOf: unit, and: one) }
  }
}

/// A covariance of integers and its symmetric root to 80 digits.
struct RootCase: Decodable, Sendable, CustomTestStringConvertible {
  let name: String
  let dimension: Int
  let rank: Int
  let condition: Double?
  let covariance: [Double]
  let root: [Double]

  var testDescription: String { "\(name), \(dimension) dimensions" }

  func statistics() throws -> GaussianStatistics {
    try GaussianStatistics(
      count: nil, mean: [Double](repeating: 0, count: dimension), covariance: covariance)
  }
}
