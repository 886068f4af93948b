import GenerativeMetrics
import Testing
import _TestSupport

@Suite struct GaussianStatisticsTests {
  @Test func threeSamplesByHand() throws {
    let set = try statistics(of: [1, 10, 2, 20, 6, 0], 2)
    #expect(set.count == 3)
    #expect(set.mean == [3, 10])
    #expect(set.covariance == [7, -20, -20, 100])
  }

  /// `numpy.mean(numpy.float32([[16777216], [1], [1]]), axis=0)` is 5592405.5: each 1 is lost beside 2²⁴.
  @Test func meanInSinglePrecisionLosesWhatNumPyLoses() throws {
    var accumulator = try GaussianAccumulator(dimension: 1)
    for row in [16_777_216, 1, 1] as [Float] { try accumulator.append(rows: [row]) }
    #expect(try accumulator.statistics(mean: .float32).mean == [5_592_405.5])
    #expect(try accumulator.statistics().mean == [5_592_406])
    #expect(
      try accumulator.statistics(mean: .float32).covariance
        == accumulator.statistics().covariance)
  }

  @Test("agrees with numpy.cov", arguments: Golden<MomentsCase>.read("moments"))
  func agreesWithNumPy(golden: MomentsCase) throws {
    let set = try statistics(of: golden.rows, golden.dimension)
    let (mean, covariance) = (
      worst(set.mean, golden.mean), worst(set.covariance, golden.covariance)
    )
    #expect(mean.relative <= 1e-15, "\(mean)")
    #expect(covariance.relative <= 1e-13, "\(covariance)")
  }

  @Test(
    "portions of any size give the same bits",
    arguments: [1, 2, 511, 512, 513, 1024, 1300], [2, 511, 512, 513, 1024, 1300])
  func portions(size: Int, count: Int) throws {
    let dimension = 5
    let rows = features(count, dimension, seed: 7)
    var accumulator = try GaussianAccumulator(dimension: dimension)
    for start in stride(from: 0, to: rows.count, by: size * dimension) {
      try accumulator.append(rows: Array(rows[start..<min(start + size * dimension, rows.count)]))
      _ = try? accumulator.statistics()  // looking does not end the block
    }
    #expect(accumulator.count == count)
    #expect(try accumulator.statistics() == statistics(of: rows, dimension))
  }

  @Test func mergingBlocksInOrderGivesTheBitsOfAppending() throws {
    let rows = features(1300, 5, seed: 8)
    var merged = try GaussianAccumulator(dimension: 5)
    for start in stride(from: 0, to: 1300, by: GaussianAccumulator.blockSize) {
      var block = try GaussianAccumulator(dimension: 5)
      let end = min(start + GaussianAccumulator.blockSize, 1300)
      try block.append(rows: Array(rows[start * 5..<end * 5]))
      try merged.merge(block)
    }
    #expect(try merged.statistics() == statistics(of: rows, 5))
  }

  /// Blocks are read in order and multiplied two at a time.
  @Test(
    "reading blocks gives the bits of appending",
    arguments: [0, 1, 511, 512, 513, 1024, 1300, 1536, 2100])
  func readingBlocks(count: Int) throws {
    let rows = features(count, 5, seed: 8)
    var ranges: [Range<Int>] = []
    let read = try GaussianAccumulator(dimension: 5, count: count) { range in
      ranges.append(range)
      return Array(rows[range.lowerBound * 5..<range.upperBound * 5])
    }
    #expect(ranges.flatMap(\.self) == Array(0..<count) && ranges.allSatisfy { $0.count <= 512 })
    var appended = try GaussianAccumulator(dimension: 5)
    try appended.append(rows: rows)
    #expect(read.count == count && appended.count == count)
    guard count >= 2 else { return }
    for mean in [MeanPrecision.float64, .float32] {
      #expect(try read.statistics(mean: mean) == appended.statistics(mean: mean))
    }
    var more = read
    try more.append(rows: [1, 2, 3, 4, 5])
    try appended.append(rows: [1, 2, 3, 4, 5])
    #expect(try more.statistics() == appended.statistics())
  }

  @Test func readingBlocksRefusesWhatAppendingRefuses() throws {
    var rows = features(1300, 2, seed: 10)
    rows[601 * 2 + 1] = .nan
    expectRejection("NonFinite", naming: "sample 601, column 1") {
      try GaussianAccumulator(dimension: 2, count: 1300) {
        Array(rows[$0.lowerBound * 2..<$0.upperBound * 2])
      }
    }
    expectRejection("ShapeMismatch") {
      try GaussianAccumulator(dimension: 0, count: 1) { _ in [] }
    }
  }

  @Test("merging anywhere gives the same numbers", arguments: [0, 1, 300, 512, 700, 1300])
  func merging(split: Int) throws {
    let rows = features(1300, 5, seed: 9)
    var (first, second) = try (GaussianAccumulator(dimension: 5), GaussianAccumulator(dimension: 5))
    try first.append(rows: Array(rows[..<(split * 5)]))
    try second.append(rows: Array(rows[(split * 5)...]))
    try first.merge(second)
    let (merged, expected) = try (first.statistics(), statistics(of: rows, 5))
    #expect(merged.count == 1300)
    #expect(worst(merged.mean, expected.mean).relative <= 1e-15)
    #expect(worst(merged.covariance, expected.covariance).relative <= 1e-14)
  }

  @Test func aLargeOffsetDoesNotCancelTheVariance() throws {
    let rows = (0..<2000).map { 1e6 + Float($0 % 2) }
    let set = try statistics(of: rows, 1)
    #expect(set.mean == [1_000_000.5])
    #expect(abs(set.covariance[0] - 0.25 * 2000 / 1999) <= 1e-15)
  }

  // MARK: Rejections

  @Test("fewer than two samples have no covariance", arguments: [0, 1])
  func tooFewSamples(count: Int) throws {
    expectRejection("TooFewSamples", naming: "\(count) samples") {
      try statistics(of: [Float](repeating: 1, count: 3 * count), 3)
    }
    expectRejection("TooFewSamples") {
      try GaussianStatistics(count: count, mean: [0], covariance: [1])
    }
  }

  @Test(
    "a bad row is rejected by its sample index and leaves the accumulator as it was",
    arguments: [Float.nan, .infinity, -.infinity])
  func nonFiniteRow(value: Float) throws {
    var accumulator = try GaussianAccumulator(dimension: 2)
    try accumulator.append(rows: features(600, 2, seed: 10))
    let before = try accumulator.statistics()
    expectRejection("NonFinite", naming: "sample 601, column 1") {
      try accumulator.append(rows: [1, 2, 3, value])
    }
    expectRejection("ShapeMismatch") { try accumulator.append(rows: [1]) }
    #expect(try accumulator.statistics() == before)
  }

  @Test func accumulatorsOfDifferentDimensionsDoNotMerge() throws {
    var accumulator = try GaussianAccumulator(dimension: 2)
    expectRejection("DimensionMismatch") {
      try accumulator.merge(GaussianAccumulator(dimension: 3))
    }
  }

  @Test(
    "malformed statistics are rejected",
    arguments: [
      ("ShapeMismatch", [], []), ("ShapeMismatch", [0, 0], [1]), ("ShapeMismatch", [0], [1, 0]),
      ("NonFinite", [.nan], [1]), ("NonFinite", [0], [.infinity]),
      ("NonFinite", [0, 0], [1, 0, .nan, 1]), ("NotSymmetric", [0, 0], [1, 2e-6, 0, 1]),
    ] as [(String, [Double], [Double])])
  func malformed(code: String, mean: [Double], covariance: [Double]) {
    expectRejection(code) { try statistics(mean: mean, covariance: covariance) }
  }

  @Test func anAsymmetryOfRoundingIsAccepted() throws {
    _ = try statistics(mean: [0, 0], covariance: [1, 1e-6, 0, 1])
  }
}

struct MomentsCase: Decodable, Sendable, CustomTestStringConvertible {
  let dimension: Int
  let rows: [Float]
  let mean: [Double]
  let covariance: [Double]

  var testDescription: String { "[\(rows.count / dimension), \(dimension)]" }
}
