import GenerativeMetrics
import Testing
import _TestSupport

/// Sizes and numbers that no metric can work with are refused with a code, and never trap.
@Suite struct RejectionTests {
  @Test(arguments: [Int.min, -1, 0, 32_767, .max]) func dimensions(dimension: Int) {
    expectRejection("ShapeMismatch", naming: "\(dimension) features") {
      try GaussianAccumulator(dimension: dimension)
    }
    expectRejection("ShapeMismatch", naming: "\(dimension) features") {
      try FeatureRows([], dimension: dimension)
    }
  }

  @Test func emptyRows() throws {
    let none = try FeatureRows([], dimension: 2)
    #expect(none.count == 0)
    expectRejection("TooFewSamples") {
      try kernelDistance(between: none, and: none, subsets: .whole)
    }
    expectRejection("TooFewSamples") {
      try precisionAndRecall(of: none, against: none, convention: .prdc)
    }
    expectRejection("TooFewSamples") { try nearestNeighbors(of: none, in: none, count: 1) }
    expectRejection("TooFewSamples") { try GaussianAccumulator(dimension: 1).statistics() }
  }

  @Test func inceptionScores() throws {
    expectRejection("ShapeMismatch", naming: "0 classes") {
      try inceptionScore(logits: [], classes: 0)
    }
    for splits in [InceptionScore.Splits.equal(0), .truncated(-1), .chunks(0), .blocks(of: 0)] {
      expectRejection("ShapeMismatch", naming: "expected at least 1") {
        try InceptionScoreAccumulator(
          classes: 2, count: 5, convention: .init(splits, shuffleSeed: nil, ddof: 0))
      }
    }
    var scores = try InceptionScoreAccumulator(
      classes: 2, count: 2, convention: .init(.equal(1), shuffleSeed: nil, ddof: 0))
    expectRejection("CountMismatch", naming: "0 of the 2") { try scores.score() }
    expectRejection("ShapeMismatch", naming: "isGrouped") { try scores.jackknife() }
    try scores.append([0, 1])
    try scores.append([1, 0])
    #expect(try scores.score().mean > 1)
    expectRejection("CountMismatch", naming: "more than the 2") { try scores.append([1, 0]) }
  }

  @Test func neighboursAndSubsets() throws {
    let rows = try FeatureRows([0, 1, 2, 3], dimension: 2)
    for count in [0, -3] {
      expectRejection("ShapeMismatch", naming: "\(count) neighbours") {
        try nearestNeighbors(of: rows, in: rows, count: count)
      }
    }
    for (count, size) in [(0, 2), (1, 1), (-1, 5)] {
      expectRejection("ShapeMismatch", naming: "\(count) subsets of \(size)") {
        try kernelDistance(
          between: rows, and: rows, subsets: .drawn(count: count, size: size, seed: 0))
      }
    }
  }

  @Test func quantiles() {
    #expect(studentQuantile(0, degreesOfFreedom: 3) == -.infinity)
    #expect(studentQuantile(1, degreesOfFreedom: 3) == .infinity)
    for p in [-0.1, 1.1, .nan] { #expect(studentQuantile(p, degreesOfFreedom: 3).isNaN) }
    #expect(studentQuantile(0.3, degreesOfFreedom: 0).isNaN)
    #expect(studentProbability(1, degreesOfFreedom: 0).isNaN)
  }
}
