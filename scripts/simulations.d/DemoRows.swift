import Checkpoints
import Foundation
import GenerativeMetrics

/// Features of samples of the demo's model and of the same model with damages, which `demo` writes.
///
/// The rows of each set are the whole population here: samples are drawn from them with replacement, so that
/// every number of infinitely many samples is known.
struct DemoRows: Sendable {
  static let damages = [
    "bf16", "fewer-steps", "stronger-guidance", "noisier-weights", "dropped-class",
  ]

  let reference: Reference
  let referenceRows: FeatureRows
  let baseline: [Float]
  /// The sets that are there.
  let candidates: [(name: String, rows: [Float])]
  var dimension: Int { reference.dimension }
  var count: Int { baseline.count / dimension }

  /// Reads the sets.
  ///
  /// - Parameters:
  ///   - folder: Where `demo` wrote them.
  ///   - isSkewed: Whether every feature is replaced by its exponential, which makes it more skewed.
  init(_ folder: String, isSkewed: Bool = false) throws {
    let file = try NPZ.read("reference_stats/fashion-mnist-train.npz")
    let statistics = try GaussianStatistics(
      count: 60_000, mean: file.array("mu").doubles(), covariance: file.array("sigma").doubles())
    let dimension = statistics.dimension
    let deviations = (0..<dimension).map {
      statistics.covariance[$0 * (dimension + 1)].squareRoot()
    }
    func read(_ file: NPZ) throws -> [Float] {
      let rows = try file.array("features").floats()
      guard isSkewed else { return rows }
      return rows.enumerated().map { index, value in
        let column = index % dimension
        let (mean, deviation) = (statistics.mean[column], deviations[column])
        return Float(deviation * exp((Double(value) - mean) / deviation))
      }
    }
    let rows = try read(file)
    if isSkewed {
      var samples = try GaussianAccumulator(dimension: dimension)
      try samples.append(rows: rows)
      reference = try Reference(samples.statistics())
    } else {
      reference = try Reference(statistics)
    }
    referenceRows = try FeatureRows(Array(rows.prefix(2000 * dimension)), dimension: dimension)
    baseline = try read(NPZ.read("\(folder)/baseline.npz"))
    candidates = try Self.damages.filter {
      FileManager.default.fileExists(atPath: "\(folder)/\($0).npz")
    }.map { ($0, try read(NPZ.read("\(folder)/\($0).npz"))) }
  }

  /// Returns the rows with some indices.
  func rows(_ indices: [Int], of set: [Float]) -> [Float] {
    indices.flatMap { set[$0 * dimension..<($0 + 1) * dimension] }
  }

  /// Returns the distance of the whole population.
  func distance(of set: [Float]) throws -> Double {
    var samples = try GaussianAccumulator(dimension: dimension)
    try samples.append(rows: set)
    return try frechetDistance(
      between: FactoredGaussian(samples.statistics()), and: reference.gaussian
    ).value
  }

  private func draw(_ samples: Int, _ draws: inout Draws) -> [Int] {
    draws.uniforms(samples).map { Int($0 * Double(count)) }
  }
}

// MARK: - Tables

extension DemoRows {
  /// Prints the coverage of intervals, and how often the gate errs if the tolerance is the true difference.
  static func printIntervals(_ folder: String, _ settings: Settings) async throws {
    let counts = [320, 640, 3200]
    var coverage = Table(
      ["features", "interval of"] + counts.flatMap { ["\($0)", "\($0), twenty groups"] })
    var borders = Table(["features", "candidate", "difference"] + counts.map { "\($0)" })
    for isSkewed in [false, true] {
      let demo = try DemoRows(folder, isSkewed: isSkewed)
      let name = isSkewed ? "the demo's, skewed" : "the demo's"
      let truth = try demo.distance(of: demo.baseline)
      var lines = [[name, "the value"], [name, "the debiased value"]]
      var levels = try demo.candidates.map { candidate in
        [
          name, candidate.name,
          "\(digits(truth, 2)) to \(digits(try demo.distance(of: candidate.rows), 2))",
        ]
      }
      for count in counts {
        let found = try await repeated(settings.repeats, threads: settings.threads) { index in
          var draws = Draws(seed: settings.seed, "demo intervals \(count)", index)
          let chosen = demo.draw(count, &draws)
          return try ([demo.baseline] + demo.candidates.map(\.rows)).map {
            try ScoredSamples(demo.rows(chosen, of: $0), demo.reference)
          }
        }
        let samples = found.map { $0[0] }
        let mean = samples.map(\.value).mean
        for isDebiased in [false, true] {
          let goal = isDebiased ? truth : mean
          lines[isDebiased ? 1 : 0] += [
            share(
              share(of: samples) {
                MetricEstimate(
                  $0.value, bias: isDebiased ? $0.jackknife.bias : 0,
                  secondOrderBias: isDebiased ? $0.jackknife.secondOrderBias : nil,
                  $0.influence.summary
                ).interval().contains(goal)
              }),
            share(
              share(of: samples) {
                MetricEstimate($0.jackknife, of: .frechetDistance, isDebiased: isDebiased)
                  .interval().contains(goal)
              }),
          ]
        }
        for (index, candidate) in demo.candidates.enumerated() {
          let border = try demo.distance(of: candidate.rows) - truth
          let tests = try found.map { try $0[index + 1].paired(with: $0[0]) }
          levels[index].append(
            share(share(of: tests) { $0.isWorse(tolerance: border) }) + " / "
              + share(share(of: tests) { $0.passes(tolerance: border) }))
        }
      }
      lines.forEach { coverage.append($0) }
      levels.forEach { borders.append($0) }
    }
    print("### Intervals of real features\n")
    coverage.print()
    print("### Pairs of real features at the border\n")
    borders.print()
  }

  /// Simulates how often each damage of the demo's model is found.
  static func power(
    _ folder: String, counts: [Int], isWhole: Bool, _ settings: Settings
  ) async throws -> Power {
    let demo = try DemoRows(folder)
    var (cells, names): ([Power.Cell], [String]) = ([], [])
    for count in counts {
      let found = try await repeated(settings.repeats, threads: settings.threads) { index in
        var draws = Draws(seed: settings.seed, "demo power \(count)", index)
        let (chosen, other) = (demo.draw(count, &draws), demo.draw(count, &draws))
        func scores(_ set: [Float], _ indices: [Int]) throws -> Scores {
          try Scores(
            demo.rows(indices, of: set), demo.reference,
            compared: isWhole ? demo.referenceRows : nil)
        }
        let (baseline, unpaired) = (
          try scores(demo.baseline, chosen), try scores(demo.baseline, other)
        )
        let trials = try demo.candidates.map {
          try Power.Trial(scores($0.rows, chosen), baseline: baseline, other: unpaired)
        }
        return (trials, baseline.names)
      }
      names = found.first?.1 ?? []
      for (index, candidate) in demo.candidates.enumerated() {
        cells.append(
          Power.Cell(damage: candidate.name, samples: count, trials: found.map { $0.0[index] }))
      }
    }
    return Power(names: isWhole ? Array(names.dropFirst()) : names, cells: cells)
  }
}
