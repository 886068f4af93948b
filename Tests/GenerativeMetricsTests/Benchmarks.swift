import Foundation
import GenerativeMetrics
import Testing

/// Prints times at the size of Inception features; asserts nothing. Runs alone:
/// `DIS_EVAL_BENCHMARKS=1 swift test -c release --filter GenerativeMetricsBenchmarks`
@Suite(
  .serialized, .enabled(if: ProcessInfo.processInfo.environment["DIS_EVAL_BENCHMARKS"] == "1"))
struct GenerativeMetricsBenchmarks {
  let dimension = 2048

  @Test func frechetDistanceOf2048Dimensions() throws {
    let zero = [Double](repeating: 0, count: dimension)
    func set(rank: Int, step: Int) throws -> GaussianStatistics {
      let spectrum = (0..<dimension).map {
        $0 < rank ? pow10(-7 * Double(($0 * step) % dimension) / Double(dimension)) : 0
      }
      return try statistics(mean: zero, covariance: reflected(diagonal: spectrum))
    }
    let (full, other) = try (set(rank: 2048, step: 1), set(rank: 2048, step: 5))
    let (deficient, third) = try (set(rank: 1500, step: 1), set(rank: 1000, step: 5))
    try measure("cholesky, cholesky") { try frechetDistance(between: full, and: other) }
    try measure("eigen, cholesky") { try frechetDistance(between: deficient, and: full) }
    try measure("eigen, eigen") { try frechetDistance(between: deficient, and: third) }
    for count in [256, 1024, 2048] {
      let rows = features(count, dimension, seed: 1)
      try measure("\(count) rows, cholesky") {
        try frechetDistance(betweenRows: rows, and: full)
      }
    }
  }

  @Test func accumulating5000Rows() throws {
    let rows = features(5000, dimension, seed: 1)
    try measure("5000 rows") { try statistics(of: rows, dimension) }
  }

  @Test func inceptionScoreOf5000Rows() throws {
    let logits = features(5000, 1008, seed: 1, scale: 8)
    try measure("5000 rows of 1008 logits") { try inceptionScore(logits: logits, classes: 1008) }
  }

  @Test func kernelDistanceOf10000Rows() throws {
    let a = try featureRows(10_000, dimension, seed: 1)
    let b = try featureRows(10_000, dimension, seed: 2)
    try measure("100 subsets of 1000 of 10000 rows", repeats: 2) {
      try kernelDistance(between: a, and: b)
    }
    try measure("10000 rows, whole", repeats: 2) {
      try kernelDistance(between: a, and: b, subsets: .whole)
    }
  }

  @Test func precisionAndRecallOf10000Rows() throws {
    let a = try featureRows(10_000, dimension, seed: 1)
    let b = try featureRows(10_000, dimension, seed: 2)
    for convention in PrecisionAndRecall.Convention.allCases {
      try measure("10000 rows, \(convention)", repeats: 2) {
        try precisionAndRecall(of: a, against: b, convention: convention)
      }
    }
  }

  private func measure(
    _ name: String, repeats: Int = 5, _ body: () throws -> some Any
  ) throws {
    var walls: [Double] = []
    var processors: [Double] = []
    for _ in 0..<repeats {
      let start = (clock(CLOCK_MONOTONIC), clock(CLOCK_PROCESS_CPUTIME_ID))
      _ = try body()
      walls.append(clock(CLOCK_MONOTONIC) - start.0)
      processors.append(clock(CLOCK_PROCESS_CPUTIME_ID) - start.1)
    }
    let text = [walls.sorted(), processors.sorted()].map {
      String(format: "best %.3f s, median %.3f s", $0[0], $0[$0.count / 2])
    }
    print("\(name): wall \(text[0]); processor \(text[1])")
  }

  private func clock(_ id: clockid_t) -> Double {
    var time = timespec()
    clock_gettime(id, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}
