import GenerativeMetrics
import Testing
import _TestSupport

@Suite struct FrechetDirectionsTests {
  typealias Basis = FrechetDirections.Basis

  // MARK: By hand

  /// Independent features: (difference of means)² + (difference of deviations)² each.
  @Test("independent features", arguments: Basis.allCases)
  func independentFeatures(basis: Basis) throws {
    let y = try statistics(mean: [1, 5, 2, 0], covariance: diagonal([4, 9, 1, 16]))
    let x = try statistics(mean: [1, 2, 2, 0], covariance: diagonal([4, 1, 25, 9]))
    let result = try FrechetDirections(of: y, from: x, basis: basis, limit: 3)
    #expect(result.basis == basis)
    #expect(worst(result.parts, [16, 13, 1, 0]).difference <= 1e-13)
    #expect(abs(result.value - 30) <= 1e-13)
    #expect(result.directions.count == 3)
    let (first, second) = (result.directions[0], result.directions[1])
    #expect(worst(first.vector, [0, 0, 1, 0]).difference <= 1e-12)
    #expect(abs(first.covariancePart - 16) <= 1e-13 && first.meanPart <= 1e-25)
    #expect(abs(first.deviation - 1) <= 1e-13 && abs(first.referenceDeviation - 5) <= 1e-13)
    #expect(worst(second.vector, [0, 1, 0, 0]).difference <= 1e-12)
    #expect(abs(second.meanPart - 9) <= 1e-13 && abs(second.covariancePart - 4) <= 1e-13)
    #expect(abs(second.shift - 3) <= 1e-13)
    #expect(abs(second.deviation - 3) <= 1e-13 && abs(second.referenceDeviation - 1) <= 1e-13)
    #expect(result.count(carrying: 0.5) == 1 && result.count(carrying: 0.8) == 2)
    #expect(result.count(carrying: 0) == 0 && result.count(carrying: 0.99) == 3)
  }

  /// A shift along the diagonal is one direction, and two features of the reference.
  @Test func aShiftIsOneDirection() throws {
    let y = try statistics(mean: [3, 4], covariance: [2, 0, 0, 1])
    let x = try statistics(mean: [0, 0], covariance: [2, 0, 0, 1])
    let result = try FrechetDirections(of: y, from: x)
    #expect(worst(result.parts, [25, 0]).difference <= 1e-13)
    #expect(worst(result.directions[0].vector, [0.6, 0.8]).difference <= 1e-14)
    #expect(abs(result.directions[0].shift - 5) <= 1e-14)
    #expect(abs(result.directions[0].meanPart - 25) <= 1e-13)
    let features = try FrechetDirections(of: y, from: x, basis: .reference)
    #expect(worst(features.parts, [16, 9]).difference <= 1e-13)
  }

  /// Covariances of rank 1 along different axes share nothing: the distance is the sum of the
  /// traces.
  @Test("singular covariances", arguments: Basis.allCases)
  func singularCovariances(basis: Basis) throws {
    let y = try statistics(mean: [0, 0, 0], covariance: diagonal([4, 0, 0]))
    let x = try statistics(mean: [0, 0, 0], covariance: diagonal([0, 9, 0]))
    let result = try FrechetDirections(of: y, from: x, basis: basis)
    #expect(worst(result.parts, [9, 4, 0]).difference <= 1e-13)
    let zero = try statistics(mean: [1, 0, 0], covariance: diagonal([0, 0, 0]))
    let points = try FrechetDirections(of: zero, from: x, basis: basis)
    #expect(worst(points.parts, [9, 1, 0]).difference <= 1e-13)
    let same = try FrechetDirections(of: zero, from: zero, basis: basis)
    #expect(same.value == 0 && same.count(carrying: 0.9) == 0)
  }

  // MARK: Reference numbers

  @Test(
    "agrees with the formula of the matrix root", arguments: Golden<PartsCase>.read("frechet_parts")
  )
  func agreesWithFormula(golden: PartsCase) throws {
    let d = golden.dimension
    let y = features(golden.counts[0], d, seed: 6, scale: 1.5).enumerated().map {
      $1 + 0.03125 * Float($0 % d)
    }
    let (own, other) = try (
      statistics(of: y, d), statistics(of: features(golden.counts[1], d, seed: 7), d)
    )
    let displacement = try FrechetDirections(of: own, from: other, limit: d)
    let reference = try FrechetDirections(of: own, from: other, basis: .reference, limit: d)
    for result in [displacement, reference] {
      #expect(abs(result.value / golden.value - 1) <= 1e-11)
    }
    expect(
      worst(displacement.parts, golden.displacement).relative, within: 1e-11, "displacement")
    expect(
      worst(reference.directions.map(\.meanPart), golden.means).relative, within: 1e-11, "means")
    expect(
      worst(reference.directions.map(\.covariancePart), golden.covariances).relative,
      within: 1e-11, "covariances")
  }

  // MARK: Properties

  @Test(
    "parts add up to the distance",
    arguments: [(30, 40, 12), (5, 40, 12), (40, 5, 12), (6, 5, 12), (300, 300, 1)],
    Basis.allCases)
  func parts(sizes: (m: Int, n: Int, d: Int), basis: Basis) throws {
    let d = sizes.d
    let rows = features(sizes.m, d, seed: 1, scale: 1.5)
    let (y, x) = try (
      statistics(of: rows, d), statistics(of: features(sizes.n, d, seed: 2), d)
    )
    let whole = try frechetDistance(between: y, and: x)
    let fewer = try FrechetDirections(
      of: FactoredGaussian(rows: rows, dimension: d, mean: .float64), from: FactoredGaussian(x),
      basis: basis, limit: d)
    for result in [try FrechetDirections(of: y, from: x, basis: basis, limit: d), fewer] {
      #expect(abs(result.value - whole.value) <= 1e-12 * (y.trace + x.trace))
      #expect(result.parts.count == d && result.directions.count == d)
      #expect(result.parts.allSatisfy { $0 >= 0 })
      #expect(zip(result.parts, result.parts.dropFirst()).allSatisfy { $0 >= $1 })
      let means = result.directions.reduce(0) { $0 + $1.meanPart }
      #expect(abs(means - whole.meanTerm) <= 1e-12 * (1 + whole.meanTerm))
      let variances = result.directions.reduce(0) { $0 + $1.deviation * $1.deviation }
      #expect(abs(variances / y.trace - 1) <= 1e-12)
      for (i, a) in result.directions.enumerated() {
        for (j, b) in result.directions.enumerated() {
          let product = zip(a.vector, b.vector).reduce(0) { $0 + $1.0 * $1.1 }
          #expect(abs(product - (i == j ? 1 : 0)) <= 1e-13)
        }
      }
    }
  }

  @Test("no other directions carry as much in as few", arguments: [3, 8, 20])
  func displacementIsBest(dimension: Int) throws {
    let y = try statistics(of: features(200, dimension, seed: 1, scale: 1.5), dimension)
    let x = try statistics(of: features(300, dimension, seed: 2), dimension)
    let best = try FrechetDirections(of: y, from: x)
    let other = try FrechetDirections(of: y, from: x, basis: .reference)
    var (sum, sumOfOther) = (0.0, 0.0)
    for (a, b) in zip(best.parts, other.parts) {
      (sum, sumOfOther) = (sum + a, sumOfOther + b)
      #expect(sum >= sumOfOther - 1e-13 * best.value)
    }
  }

  /// Common eigenvectors that are not the axes.
  @Test("a rotation turns the directions", arguments: Basis.allCases)
  func rotated(basis: Basis) throws {
    let zero = [Double](repeating: 0, count: 6)
    let (a, b) = ([1, 4, 9, 16, 25, 36], [4, 1, 36, 16, 9, 49]) as ([Double], [Double])
    let result = try FrechetDirections(
      of: statistics(mean: zero, covariance: reflected(diagonal: a)),
      from: statistics(mean: zero, covariance: reflected(diagonal: b)), basis: basis)
    let expected = zip(a, b).map {
      ($0.squareRoot() - $1.squareRoot()) * ($0.squareRoot() - $1.squareRoot())
    }
    #expect(worst(result.parts, expected.sorted(by: >)).difference <= 1e-11)
  }

  @Test func aSetFromItself() throws {
    let set = try statistics(of: features(500, 20, seed: 1), 20)
    #expect(try FrechetDirections(of: set, from: set).value <= 1e-24)
  }

  // MARK: Rejections

  @Test func rejections() throws {
    let one = try statistics(mean: [0], covariance: [1])
    let two = try statistics(mean: [0, 0], covariance: [1, 0, 0, 1])
    let negative = try statistics(mean: [0, 0], covariance: [1, 0, 0, -1])
    let huge = try statistics(mean: [1e200, 0], covariance: [1, 0, 0, 1])
    expectRejection("DimensionMismatch") { try FrechetDirections(of: one, from: two) }
    expectRejection("NotPositiveSemidefinite") { try FrechetDirections(of: two, from: negative) }
    for basis in Basis.allCases {
      expectRejection("Overflow") { try FrechetDirections(of: huge, from: two, basis: basis) }
    }
    #expect(try FrechetDirections(of: two, from: two, limit: 0).directions.isEmpty)
    #expect(try FrechetDirections(of: two, from: two, limit: -1).directions.isEmpty)
  }
}

struct PartsCase: Decodable, Sendable, CustomTestStringConvertible {
  let counts: [Int]
  let dimension: Int
  let value: Double
  /// The eigenvalues of the displacement, largest first.
  let displacement: [Double]
  /// Along the eigenvectors of the reference, largest part first.
  let means: [Double]
  let covariances: [Double]

  var testDescription: String { "\(counts) samples of \(dimension)" }
}
