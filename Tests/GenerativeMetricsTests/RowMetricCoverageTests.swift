import Foundation
import GenerativeMetrics
import Testing

/// How often the interval of a metric of rows contains its expectation, in 64 dimensions with
/// standard deviations from 1 to 1/8, against fixed reference rows.
///
/// With many repeats of 1000 samples, printed:
/// `DIS_EVAL_SIMULATIONS=400 swift test -c release --filter RowMetricCoverageTests`
@Suite struct RowMetricCoverageTests {
  static let repeats =
    ProcessInfo.processInfo.environment["DIS_EVAL_SIMULATIONS"].flatMap { Int($0) }

  @Test(
    "intervals contain the expectation", .enabled(if: RowMetricCoverageTests.repeats != nil),
    arguments: [(0.3, 1), (0, 1), (0, 0.8)] as [(Double, Double)])
  func manyRepeats(shift: Double, scale: Double) throws {
    let simulation = try simulate(count: 1000, repeats: Self.repeats ?? 0, shift, scale)
    for (name, result) in simulation { print("shift \(shift), scale \(scale): \(name) \(result)") }
  }

  /// Binomial with 80 intervals: 0.95 - 0.073 is three standard deviations.
  @Test("few repeats, for every run of the tests")
  func fewRepeats() throws {
    for (name, result) in try simulate(count: 200, repeats: 80, 0.3, 1) {
      #expect(result.coverage >= 0.877, "\(name): \(result)")
      #expect(0.75...2 ~= result.standardError / result.deviation, "\(name): \(result)")
    }
  }

  private struct Coverage: CustomStringConvertible {
    let mean: Double
    let deviation: Double
    /// The root of the mean square of the standard errors.
    let standardError: Double
    /// The share of intervals that contain the mean.
    let coverage: Double

    init(_ jackknives: [Jackknife]) {
      let count = Double(jackknives.count)
      let mean = jackknives.reduce(0) { $0 + $1.value } / count
      self.mean = mean
      deviation =
        (jackknives.reduce(0) { $0 + ($1.value - mean) * ($1.value - mean) } / (count - 1))
        .squareRoot()
      standardError =
        (jackknives.reduce(0) { $0 + $1.standardError * $1.standardError } / count).squareRoot()
      coverage = Double(jackknives.count { $0.interval.contains(mean) }) / count
    }

    var description: String {
      String(
        format: "mean %.5g, deviation %.3g, standard error / deviation %.2f, covered %.3f", mean,
        deviation, standardError / deviation, coverage)
    }
  }

  private func simulate(
    count: Int, repeats: Int, _ shift: Double, _ scale: Double
  ) throws -> [(String, Coverage)] {
    var random = Normals(seed: 7)
    func rows(_ shift: Double, _ scale: Double) throws -> FeatureRows {
      let values = (0..<count).flatMap { _ in
        (0..<64).map { column in
          Float(
            (scale * random.next() + (column == 0 ? shift : 0)) / Double(column + 1).squareRoot())
        }
      }
      return try FeatureRows(values, dimension: 64)
    }
    let reference = try rows(0, 1)
    let kernels: [DiscrepancyKernel] = [
      .cubic, .gaussian(width: reference.rootMeanSquareDistance),
    ]
    var results: [[Jackknife]] = []
    for _ in 0..<repeats {
      let generated = try rows(shift, scale)
      let distances = try maximumMeanDiscrepancies(
        of: generated, against: reference, kernels: kernels)
      let scores = try precisionAndRecallJackknife(
        of: generated, against: reference, convention: .prdc)
      results.append(
        distances.map(\.unbiased) + [
          scores.precision, scores.recall, scores.density, scores.coverage,
          try vendiScoreJackknife(of: generated), try totalVarianceJackknife(of: generated),
        ])
    }
    let names = [
      "KID", "Gaussian MMD", "precision", "recall", "density", "coverage", "Vendi", "variance",
    ]
    return names.enumerated().map { place, name in (name, Coverage(results.map { $0[place] })) }
  }
}
