import Foundation
import GenerativeMetrics
import Testing
import _TestSupport

@Suite struct MaximumMeanDiscrepancyTests {
  // MARK: By hand

  /// Half of 40 numbers are 0 and half 2, in equal parts of every group; the reference is 0 and 1.
  /// The kernel is 1 between 0 and anything, 5³ between 2 and 2, 3³ between 2 and 1, and 2³ between
  /// 1 and 1.
  @Test func zerosAndTwos() throws {
    let groups = Jackknife.groups(count: 40)
    var seen: Set<Int> = []
    let values = groups.map { seen.insert($0).inserted ? Float(0) : 2 }
    let y = try FeatureRows(values, dimension: 1)
    let x = try FeatureRows([0, 1], dimension: 1)
    let result = try maximumMeanDiscrepancies(of: y, against: x, kernels: [.cubic])[0]
    func unbiased(_ half: Double) -> Double {
      let (m, twos) = (2 * half, half * (half - 1))
      return (twos * 125 + m * (m - 1) - twos) / (m * (m - 1)) + 1
        - 2 * (half * (1 + 1) + half * (1 + 27)) / (2 * m)
    }
    #expect(abs(result.unbiased.value - unbiased(20)) <= 1e-13)
    #expect(result.unbiased.leftOut.allSatisfy { abs($0 - unbiased(19)) <= 1e-13 })
    #expect(result.unbiased.standardError <= 1e-12)
    let biased: Double = (3 + 125) / 4 + (3 + 8) / 4 - 2 * (1 + 1 + 1 + 27) / 4
    #expect(abs(result.biased - biased) <= 1e-13)
  }

  /// All generated samples at one point and all of the reference at another one.
  @Test func twoPoints() throws {
    let y = try FeatureRows([Float](repeating: 3, count: 41 * 2), dimension: 2)
    let x = try FeatureRows([Float](repeating: 0, count: 5 * 2), dimension: 2)
    let width = 3.0
    let result = try maximumMeanDiscrepancies(
      of: y, against: x, kernels: [.gaussian(width: width), .cubic])
    // |y - x|² = 18 and 2σ² = 18.
    let expected = 2 - 2 * exp(-1.0)
    #expect(abs(result[0].unbiased.value - expected) <= 1e-15)
    #expect(abs(result[0].biased - expected) <= 1e-15)
    #expect(result[0].unbiased.leftOut.allSatisfy { abs($0 - expected) <= 1e-15 })
    #expect(abs(result[1].unbiased.value - 999) <= 1e-11)  // 10³ + 1 - 2
    #expect(result.map(\.kernel) == [.gaussian(width: width), .cubic])
  }

  // MARK: Reference numbers

  @Test("agrees with torch-fidelity", arguments: Golden<DiscrepancyCase>.read("discrepancy"))
  func agreesWithTorchFidelity(golden: DiscrepancyCase) throws {
    let y = try featureRows(golden.count, golden.dimension, seed: 1)
    let x = try featureRows(golden.count, golden.dimension, seed: 2, scale: 1.125)
    let result = try maximumMeanDiscrepancies(
      of: y, against: x, kernels: [.cubic, .gaussian(width: golden.width)])
    for (got, expected) in zip(result, [golden.cubic, golden.gaussian]) {
      expect(
        abs(got.unbiased.value - expected.unbiased), within: 1e-13, "unbiased, \(got.kernel)")
      expect(abs(got.biased - expected.biased), within: 1e-13, "biased, \(got.kernel)")
    }
  }

  // MARK: The jackknife

  /// Groups of equal and of unequal sizes, and sizes around a block.
  @Test(
    "without a group it is the distance of the rest",
    arguments: [(40, 2), (41, 7), (59, 1024), (1023, 30), (1030, 1025), (2100, 3)])
  func distanceOfTheRest(m: Int, n: Int) throws {
    let (y, x) = try (featureRows(m, 3, seed: 11), featureRows(n, 3, seed: 12, scale: 1.5))
    let jackknife = try kernelDistanceJackknife(of: y, against: x)
    let expected = try Jackknife(
      of: { (rows) throws(MetricError) in
        try kernelDistance(between: rows, and: x, subsets: .whole).value
      }, rows: y)
    #expect(abs(jackknife.value - expected.value) <= 1e-12)
    #expect(jackknife.sizes == expected.sizes)
    #expect(worst(jackknife.leftOut, expected.leftOut).difference <= 1e-12)
    #expect(abs(jackknife.standardError - expected.standardError) <= 1e-11)
  }

  @Test("Gaussian kernels agree with the definition", arguments: [(40, 2), (53, 9), (1030, 40)])
  func agreesWithDefinition(m: Int, n: Int) throws {
    let (y, x) = try (featureRows(m, 4, seed: 1), featureRows(n, 4, seed: 2, scale: 1.25))
    let width = x.rootMeanSquareDistance
    let result = try maximumMeanDiscrepancies(
      of: y, against: x, kernels: [.gaussian(width: width)])[0]
    #expect(abs(result.biased - gaussian(y, x, width, isBiased: true)) <= 1e-12)
    let expected = try Jackknife(
      of: { (rows) throws(MetricError) in gaussian(rows, x, width, isBiased: false) }, rows: y)
    #expect(abs(result.unbiased.value - expected.value) <= 1e-12)
    #expect(worst(result.unbiased.leftOut, expected.leftOut).difference <= 1e-12)
  }

  // MARK: Properties

  /// The constant 1 of the kernel would leave 4 digits of a discrepancy of 1e-12.
  @Test func wideKernelsLoseNoDigits() throws {
    let (y, x) = try (featureRows(60, 5, seed: 1), featureRows(70, 5, seed: 2, scale: 1.5))
    let mean = try maximumMeanDiscrepancies(
      of: y, against: x, kernels: [1e6, 2e6].map { .gaussian(width: $0) })
    // 1 - k is |x - y|² / 2σ² to first order.
    let (wide, wider) = (mean[0].unbiased.value * 1e12, mean[1].unbiased.value * 4e12)
    #expect(abs(wide / wider - 1) <= 1e-9)
  }

  @Test("a common offset of the features does not matter", arguments: [0, 0x1p10] as [Float])
  func offset(offset: Float) throws {
    func set(_ count: Int, seed: UInt64) throws -> FeatureRows {
      let values = features(count, 4, seed: seed).map { ($0 * 64).rounded() / 64 }
      return try FeatureRows(values.map { $0 + offset }, dimension: 4)
    }
    let (y, x) = try (set(50, seed: 1), set(60, seed: 2))
    let width = x.rootMeanSquareDistance
    let result = try maximumMeanDiscrepancies(
      of: y, against: x, kernels: [.gaussian(width: width)])[0]
    #expect(abs(result.unbiased.value - gaussian(y, x, width, isBiased: false)) <= 1e-13)
  }

  @Test func severalKernelsAreThoseOfOne() throws {
    let (y, x) = try (featureRows(45, 3, seed: 1), featureRows(30, 3, seed: 2))
    let kernels: [DiscrepancyKernel] = [.gaussian(width: 1), .cubic, .gaussian(width: 2)]
    let all = try maximumMeanDiscrepancies(of: y, against: x, kernels: kernels)
    for (kernel, result) in zip(kernels, all) {
      #expect(try maximumMeanDiscrepancies(of: y, against: x, kernels: [kernel]) == [result])
    }
    #expect(try maximumMeanDiscrepancies(of: y, against: x, kernels: []).isEmpty)
  }

  @Test func aSetWithItselfIsNotBiasedBelowZero() throws {
    let set = try featureRows(50, 3, seed: 1)
    let result = try maximumMeanDiscrepancies(
      of: set, against: set, kernels: [.cubic, .gaussian(width: 1)])
    for item in result {
      #expect(0...1e-13 ~= item.biased)
      #expect(item.unbiased.value < 0)
    }
  }

  @Test func largestFloatsDoNotOverflow() throws {
    let y = try FeatureRows(
      (0..<40).map { $0 % 2 == 0 ? .greatestFiniteMagnitude : -.greatestFiniteMagnitude },
      dimension: 1)
    let x = try FeatureRows([.leastNonzeroMagnitude, -1, 1], dimension: 1)
    let result = try maximumMeanDiscrepancies(
      of: y, against: x, kernels: [.cubic, .gaussian(width: 1)])
    for item in result { #expect(item.unbiased.value.isFinite && item.biased.isFinite) }
  }

  // MARK: Widths

  @Test func width() throws {
    // Squared distances 4, 16 and 4.
    #expect(
      try abs(FeatureRows([0, 2, 4], dimension: 1).rootMeanSquareDistance - 8.0.squareRoot())
        <= 1e-15)
    let rows = features(300, 6, seed: 3)
    let covariance = try statistics(of: rows, 6)
    let width = try FeatureRows(rows, dimension: 6).rootMeanSquareDistance
    #expect(abs(width / (2 * covariance.trace).squareRoot() - 1) <= 1e-13)
    #expect(try FeatureRows([1, 2], dimension: 2).rootMeanSquareDistance.isNaN)
    #expect(try FeatureRows([1, 1, 1], dimension: 1).rootMeanSquareDistance == 0)
  }

  // MARK: Rejections

  @Test(arguments: [0, -1, .nan, .infinity, 1e-200] as [Double])
  func widthsThatAreNone(width: Double) throws {
    let rows = try featureRows(40, 2, seed: 1)
    expectRejection("ShapeMismatch", naming: "width \(width)") {
      try maximumMeanDiscrepancies(of: rows, against: rows, kernels: [.gaussian(width: width)])
    }
  }

  @Test func tooFewOrDifferent() throws {
    let (few, enough) = try (featureRows(39, 2, seed: 1), featureRows(40, 2, seed: 1))
    expectRejection("TooFewSamples", naming: "39 samples; at least 40") {
      try kernelDistanceJackknife(of: few, against: enough)
    }
    expectRejection("TooFewSamples", naming: "1 samples; at least 2") {
      try kernelDistanceJackknife(of: enough, against: featureRows(1, 2, seed: 1))
    }
    expectRejection("DimensionMismatch", naming: "2 features per sample, the other 3") {
      try kernelDistanceJackknife(of: enough, against: featureRows(40, 3, seed: 1))
    }
    #expect(
      try kernelDistanceJackknife(of: enough, against: featureRows(2, 2, seed: 1)).value.isFinite)
  }
}

/// The discrepancy from every pair, without centring.
private func gaussian(
  _ y: FeatureRows, _ x: FeatureRows, _ width: Double, isBiased: Bool
) -> Double {
  func mean(_ a: FeatureRows, _ b: FeatureRows, isOneSet: Bool) -> Double {
    var sum = 0.0
    for i in 0..<a.count {
      var row = 0.0
      for j in 0..<b.count where !isOneSet || isBiased || i != j {
        let distance = (0..<a.dimension).reduce(0.0) {
          let difference =
            Double(a.values[i * a.dimension + $1]) - Double(b.values[j * a.dimension + $1])
          return $0 + difference * difference
        }
        row += exp(-distance / (2 * width * width))
      }
      sum += row
    }
    return sum / (Double(a.count) * Double(isOneSet && !isBiased ? b.count - 1 : b.count))
  }
  return mean(y, y, isOneSet: true) + mean(x, x, isOneSet: true)
    - 2 * mean(y, x, isOneSet: false)
}

struct DiscrepancyCase: Decodable, Sendable, CustomTestStringConvertible {
  struct Estimates: Decodable, Sendable {
    let unbiased: Double
    let biased: Double
  }

  let count: Int
  let dimension: Int
  let width: Double
  let cubic: Estimates
  let gaussian: Estimates

  var testDescription: String { "\(count) samples of \(dimension), width \(width)" }
}
