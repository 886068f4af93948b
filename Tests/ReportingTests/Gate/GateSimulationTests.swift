import Foundation
import GenerativeMetrics
import Reporting
import Results
import Testing
import _TestSupport

/// How often a gate errs, by simulation of 20 gates of each kind, or of `DIS_EVAL_SIMULATIONS`.
///
/// Features are normal in 64 dimensions with variances 1/k, the reference is known, and a model's mean
/// and scale are off by what makes the distance; candidate and baseline have other seeds.
@Suite("Simulated gates") struct GateSimulationTests {
  static let variances = (1...64).map { 1 / Double($0) }
  static let groups = 20

  let gates =
    ProcessInfo.processInfo.environment["DIS_EVAL_SIMULATIONS"].flatMap { Int($0) } ?? 20

  /// A model whose distance is `excess` above that of one whose distance is a tenth of the trace.
  struct Model {
    let excess: Double
    /// Four fifths of the distance are the mean's: |m|² = 0.08 tr S.
    var shift: Double { (0.08 * (1 + excess)).squareRoot() }
    /// One fifth is the scale's: (s - 1)² tr S = 0.02 tr S.
    var scale: Double { 1 + (0.02 * (1 + excess)).squareRoot() }
  }

  /// The result of `count` samples, with the distances of the jackknife.
  func result(_ model: Model, count: Int, seed: UInt64) throws -> RecordedEvaluation {
    var random = SeededGenerator(seed: seed)
    let deviations = Self.variances.map { $0.squareRoot() }
    let dimension = deviations.count
    let parts = try (0..<Self.groups).map { _ in
      var rows: [Float] = []
      for _ in 0..<count / Self.groups {
        for k in stride(from: 0, to: dimension, by: 2) {
          let (u, v) = (
            Double.random(in: 0x1p-53..<1, using: &random), Double.random(in: 0..<1, using: &random)
          )
          let radius = model.scale * (-2 * log(u)).squareRoot()
          rows.append(Float(deviations[k] * (model.shift + radius * cos(2 * .pi * v))))
          rows.append(Float(deviations[k + 1] * (model.shift + radius * sin(2 * .pi * v))))
        }
      }
      var part = try GaussianAccumulator(dimension: dimension)
      try part.append(rows: rows)
      return part
    }
    var covariance = [Double](repeating: 0, count: dimension * dimension)
    for k in 0..<dimension { covariance[k * dimension + k] = Self.variances[k] }
    let reference = try GaussianStatistics(
      count: nil, mean: [Double](repeating: 0, count: dimension), covariance: covariance)
    func distance(without group: Int?) throws -> Double {
      var whole = try GaussianAccumulator(dimension: dimension)
      for index in parts.indices where index != group { try whole.merge(parts[index]) }
      return try frechetDistance(between: whole.statistics(), and: reference).value
    }
    let values = try (0..<Self.groups).map { "\(try distance(without: $0))" }
    let jackknife =
      ", \"jackknife\": {\"groups\": 20, \"values\": [\(values.joined(separator: ", "))]}"
    return try MadeUp.read(
      MadeUp.document(
        ["fd": MadeUp.metric(try distance(without: nil), more: jackknife)], seed: seed))
  }

  /// The verdicts on `gates` candidates against as many baselines.
  func verdicts(excess: Double, count: Int, tolerance: Double) async throws -> [GateReport.Verdict:
    Int]
  {
    var policy = Policy()
    policy.tolerance = .relative(tolerance)
    let found = try await withThrowingTaskGroup(of: GateReport.Verdict.self) { [policy] group in
      for gate in 0..<gates {
        group.addTask {
          let seed = UInt64(2 * gate)
          let baseline = try result(Model(excess: 0), count: count, seed: seed)
          let candidate = try result(Model(excess: excess), count: count, seed: seed + 1)
          return try Gate(candidate, by: policy, baseline: baseline).report().verdict
        }
      }
      return try await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
    }
    print(
      "\(gates) gates, \(count) samples, \(100 * excess) % worse, tolerance \(tolerance): \(found)")
    return found
  }

  @Test(arguments: [2000, 5000, 10_000])
  func equalModelsAreSeldomWorse(count: Int) async throws {
    let found = try await verdicts(excess: 0, count: count, tolerance: 0)
    #expect(
      Double(found[.worse] ?? 0) <= 0.05 * Double(gates) + 2
        * (0.05 * 0.95 * Double(gates)).squareRoot())
    let usual = try await verdicts(excess: 0, count: count, tolerance: 0.01)
    #expect(Double(usual[.worse] ?? 0) <= 0.05 * Double(gates))
  }

  @Test func tenPercentAreCaught() async throws {
    _ = try await verdicts(excess: 0.1, count: 2000, tolerance: 0.01)
    _ = try await verdicts(excess: 0.1, count: 5000, tolerance: 0.01)
    let found = try await verdicts(excess: 0.1, count: 10_000, tolerance: 0.01)
    #expect(Double(found[.worse] ?? 0) >= 0.95 * Double(gates))
  }
}
