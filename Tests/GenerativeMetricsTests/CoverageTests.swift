import Foundation
import GenerativeMetrics
import Testing
import _TestSupport

/// How often the interval of a Fréchet distance holds its expectation, in 64 dimensions with variances
/// from 1 to 0.001, against the reference's true Gaussian.
///
/// With many repeats, printed:
/// `DIS_EVAL_SIMULATIONS=1000 swift test -c release --filter CoverageTests`
@Suite struct CoverageTests {
  /// Samples that are off by `shift` standard deviations and wider by `scale`; a squared rectifier
  /// makes features as skewed as those of a network.
  struct Case: Sendable, CustomTestStringConvertible {
    let count: Int
    let shift: Double
    let scale: Double
    var isSkewed = false
    /// Between which shares of intervals must hold the expectation, whatever the number of repeats.
    var covered = 0.93...0.97

    var testDescription: String {
      "\(count) samples, shift \(shift), scale \(scale)\(isSkewed ? ", skewed" : "")"
    }
  }

  /// The distance exceeds its bias in the first ones.
  static let cases = [
    Case(count: 2000, shift: 1, scale: 1.3), Case(count: 200, shift: 1, scale: 1.3),
    Case(count: 2000, shift: 0.3, scale: 1.1), Case(count: 200, shift: 0.3, scale: 1.1),
    Case(count: 2000, shift: 0.3, scale: 1.1, isSkewed: true),
    Case(count: 200, shift: 1, scale: 1.3, isSkewed: true),
    Case(count: 50, shift: 1, scale: 1.3),
    Case(count: 2000, shift: 0, scale: 1, covered: 0.93...1),
    Case(count: 200, shift: 0, scale: 1, covered: 0.93...1),
    Case(count: 200, shift: 0.1, scale: 1, covered: 0.93...1),
    Case(count: 50, shift: 0, scale: 1, covered: 0.93...1),
  ]
  static let repeats =
    ProcessInfo.processInfo.environment["DIS_EVAL_SIMULATIONS"].flatMap { Int($0) }

  @Test(
    "intervals hold the expectation", .enabled(if: CoverageTests.repeats != nil), arguments: cases)
  func coverage(of item: Case) throws {
    let repeats = Self.repeats ?? 0
    let simulation = try Simulation(item, repeats: repeats)
    print("\(item.testDescription): \(simulation)")
    // Three standard deviations of a share of this many.
    let slack = 3 * (0.95 * 0.05 / Double(repeats)).squareRoot()
    #expect(simulation.coverage >= item.covered.lowerBound - slack, "\(simulation)")
    #expect(simulation.coverage <= item.covered.upperBound + slack, "\(simulation)")
  }

  @Test(
    "few repeats, for every run of the tests",
    arguments: [Case(count: 200, shift: 1, scale: 1.3), Case(count: 200, shift: 0, scale: 1)])
  func fewRepeats(item: Case) throws {
    let simulation = try Simulation(item, repeats: 60)
    #expect(simulation.coverage >= 0.85, "\(simulation)")
    #expect(0.7...1.8 ~= simulation.standardError / simulation.deviation, "\(simulation)")
    let bias = simulation.expectation - simulation.population
    #expect(simulation.bias > 0 && abs(simulation.bias - bias) <= max(bias, 0.1), "\(simulation)")
  }

  /// What came of many sets of samples.
  struct Simulation: CustomStringConvertible {
    /// The distance of infinitely many samples, without the third moments' part.
    let population: Double
    /// The mean of all values.
    let expectation: Double
    /// Their standard deviation.
    let deviation: Double
    /// The root of the mean square of the standard errors.
    let standardError: Double
    /// The mean estimate of the bias.
    let bias: Double
    /// The share of intervals with the expectation in them.
    let coverage: Double
    /// The shares that lie above and below it.
    let missed: (above: Double, below: Double)

    init(_ item: Case, repeats: Int) throws {
      let dimension = 64
      let variances = (0..<dimension).map { pow10(-3 * Double($0) / Double(dimension)) }
      let reference = try FactoredGaussian(
        statistics(
          mean: [Double](repeating: 0, count: dimension), covariance: diagonal(variances)))
      var random = Normals(seed: UInt64(item.count))
      let jackknives = try (0..<repeats).map { _ in
        let rows = (0..<item.count).flatMap { _ in
          variances.map { variance in
            var z = random.next()
            if item.isSkewed { z = (max(z, 0) * max(z, 0) - 0.5) / 1.25.squareRoot() }
            return Float((item.scale * z + item.shift) * variance.squareRoot())
          }
        }
        var samples = try GaussianAccumulator(dimension: dimension)
        try samples.append(rows: rows)
        let value = try frechetDistance(
          between: FactoredGaussian(rows: rows, dimension: dimension, mean: .float64),
          and: reference
        ).value
        return try Jackknife.ofDistance(value, of: samples, from: reference) {
          Array(rows[$0 * dimension..<($0 + 1) * dimension])
        }
      }
      let count = Double(repeats)
      let mean = jackknives.reduce(0) { $0 + $1.value } / count
      expectation = mean
      population = variances.reduce(0) {
        $0 + $1 * (item.shift * item.shift + (item.scale - 1) * (item.scale - 1))
      }
      deviation =
        (jackknives.reduce(0) { $0 + ($1.value - mean) * ($1.value - mean) } / (count - 1))
        .squareRoot()
      standardError =
        (jackknives.reduce(0) { $0 + $1.standardError * $1.standardError } / count).squareRoot()
      bias = jackknives.reduce(0) { $0 + $1.bias } / count
      let intervals = jackknives.map(\.positiveInterval)
      coverage = Double(intervals.count { $0.contains(mean) }) / count
      missed = (
        Double(intervals.count { $0.lowerBound > mean }) / count,
        Double(intervals.count { $0.upperBound < mean }) / count
      )
    }

    var description: String {
      String(
        format:
          "distance %.4f, expectation %.4f, bias estimated %.4f; deviation %.4f, standard error "
          + "%.4f; covered %.3f, above %.3f, below %.3f", population, expectation, bias, deviation,
        standardError, coverage, missed.above, missed.below)
    }
  }
}

/// Normal numbers by Box and Muller's method.
struct Normals {
  private var uniform: SeededGenerator
  private var spare: Double?

  init(seed: UInt64) { uniform = SeededGenerator(seed: seed) }

  mutating func next() -> Double {
    if let spare {
      self.spare = nil
      return spare
    }
    let u = (Double(uniform.next() >> 11) + 0.5) * 0x1p-53
    let angle = 2 * Double.pi * Double(uniform.next() >> 11) * 0x1p-53
    let radius = (-2 * log(u)).squareRoot()
    spare = radius * sin(angle)
    return radius * cos(angle)
  }
}
