import GenerativeMetrics
import Testing
import _TestSupport

@Suite struct PrecisionAndRecallJackknifeTests {
  typealias Convention = PrecisionAndRecall.Convention

  // MARK: By hand

  /// 40 generated numbers: four at 0, 1, 2 and 3, the others far apart from everything. The
  /// reference is 0, 1, 2 and 3 too, where each ball with k = 3 reaches the farthest other number,
  /// but 1 and 2 reach only 3 and 0.
  @Test func fourNumbersNearTheReference() throws {
    let near: [Float] = [0, 1, 2, 3]
    let y = try FeatureRows(near + (4..<40).map { Float(1000 * $0 * $0) }, dimension: 1)
    let x = try FeatureRows(near, dimension: 1)
    let result = try precisionAndRecallJackknife(of: y, against: x, convention: .torchFidelity)
    let groups = Jackknife.groups(count: 40)
    #expect(Set(groups[..<4]).count == 4)
    // All four are inside of all four balls of x.
    #expect(result.precision.value == 4 / 40.0)
    #expect(result.density.value == 16 / 120.0)
    #expect(result.coverage.value == 1)
    #expect(result.recall.value == 1)
    for group in 0..<20 {
      let isLost = groups[..<4].contains(group)
      #expect(result.precision.leftOut[group] == Double(isLost ? 3 : 4) / 38)
      #expect(result.density.leftOut[group] == Double(isLost ? 12 : 16) / 114)
      #expect(result.coverage.leftOut[group] == 1)
      // Without one of four, each ball reaches a far number, and still all of x is inside.
      #expect(result.recall.leftOut[group] == 1)
    }
    #expect(result.coverage.standardError == 0)
  }

  /// One cluster of the six generated samples of one group, at 0, 1, ... 5; at 1000 and more, all
  /// others, 19 at each of six points. The reference is 0, 1, ... 9 and 1000, 1001, ... 1009.
  /// Without the group, the first half of the reference is neither covered nor recalled. The second
  /// half is never recalled: the balls of equal samples are empty.
  @Test func aClusterOfOneGroup() throws {
    let groups = Jackknife.groups(count: 120)
    let group = groups[0]
    let y = try FeatureRows(
      groups.enumerated().map { Float($0 / 20 + ($1 == group ? 0 : 1000)) }, dimension: 1)
    let x = try FeatureRows((0..<20).map { Float($0 % 10 + $0 / 10 * 1000) }, dimension: 1)
    let result = try precisionAndRecallJackknife(of: y, against: x, convention: .prdc)
    #expect(result.precision.value == 1 && result.precision.leftOut.allSatisfy { $0 == 1 })
    #expect(result.coverage.value == 1 && result.recall.value == 0.5)
    for other in 0..<20 {
      #expect(result.coverage.leftOut[other] == (other == group ? 0.5 : 1))
      #expect(result.recall.leftOut[other] == (other == group ? 0 : 0.5))
    }
  }

  // MARK: Reference numbers

  @Test("agrees with prdc", arguments: Golden<GroupedScores>.read("precision_recall_groups"))
  func agreesWithPRDC(golden: GroupedScores) throws {
    let y = try featureRows(golden.counts[0], golden.dimension, seed: 3, scale: golden.scale)
    let x = try featureRows(golden.counts[1], golden.dimension, seed: 4)
    let result = try precisionAndRecallJackknife(of: y, against: x, convention: .prdc)
    for (got, expected) in [
      (result.precision, golden.precision), (result.recall, golden.recall),
      (result.density, golden.density), (result.coverage, golden.coverage),
    ] {
      #expect(worst([got.value] + got.leftOut, expected).difference <= 1e-15)
    }
  }

  // MARK: The scores of the rest

  /// Small integers, so that many distances are equal or 0; groups of unequal sizes; sizes around a
  /// block.
  @Test(
    "without a group they are those of the rest, ties included",
    arguments: [
      (40, 6, 1), (40, 7, 3), (41, 50, 2), (59, 30, 3), (60, 30, 17), (199, 40, 3), (1023, 9, 2),
      (1030, 1025, 4),
    ], Convention.allCases)
  func scoresOfTheRest(sizes: (m: Int, n: Int, dimension: Int), convention: Convention) throws {
    var generator = SeededGenerator(seed: UInt64(sizes.m))
    func set(_ count: Int) throws -> FeatureRows {
      try FeatureRows(
        generator.floats(count * sizes.dimension, scale: 3).map { $0.rounded() },
        dimension: sizes.dimension)
    }
    let (y, x) = try (set(sizes.m), set(sizes.n))
    try expectScoresOfTheRest(y, x, convention)
  }

  @Test("also without ties", arguments: [(40, 50, 2), (153, 60, 8), (400, 300, 30)])
  func scoresWithoutTies(m: Int, n: Int, dimension: Int) throws {
    let y = try featureRows(m, dimension, seed: 3, scale: 1.125)
    let x = try featureRows(n, dimension, seed: 4)
    for convention in Convention.allCases { try expectScoresOfTheRest(y, x, convention) }
  }

  /// Clusters of one group each: up to k neighbours of a sample leave at once.
  @Test(arguments: [40, 100, 131], Convention.allCases)
  func groupsAreClusters(count: Int, convention: Convention) throws {
    let groups = Jackknife.groups(count: count)
    var generator = SeededGenerator(seed: 5)
    let noise = generator.floats(count * 2, scale: 1)
    let y = try FeatureRows(
      noise.enumerated().map { Float(groups[$0 / 2] * 3) + $1 }, dimension: 2)
    let x = try FeatureRows(generator.floats(80, scale: 30).map { $0 + 30 }, dimension: 2)
    try expectScoresOfTheRest(y, x, convention)
  }

  @Test("equal samples", arguments: Convention.allCases)
  func equalSamples(convention: Convention) throws {
    let set = try FeatureRows([Float](repeating: 0.7, count: 50 * 3), dimension: 3)
    try expectScoresOfTheRest(set, set, convention)
  }

  private func expectScoresOfTheRest(
    _ y: FeatureRows, _ x: FeatureRows, _ convention: Convention
  ) throws {
    let result = try precisionAndRecallJackknife(of: y, against: x, convention: convention)
    func expected(_ score: (PrecisionAndRecall) -> Double) throws -> Jackknife {
      try Jackknife(
        of: { (rows) throws(MetricError) in
          score(try precisionAndRecall(of: rows, against: x, convention: convention))
        }, rows: y)
    }
    #expect(try result.precision == expected(\.precision))
    #expect(try result.recall == expected(\.recall))
    #expect(try result.density == expected(\.density))
    #expect(try result.coverage == expected(\.coverage))
    #expect(
      try result.scores == precisionAndRecall(of: y, against: x, convention: convention))
  }

  // MARK: Rejections

  @Test("40 generated samples and k + 1 of the reference suffice", arguments: Convention.allCases)
  func tooFewSamples(convention: Convention) throws {
    let k = convention.neighbors
    let (few, enough) = try (featureRows(k, 2, seed: 1), featureRows(k + 1, 2, seed: 2))
    let generated = try featureRows(40, 2, seed: 3)
    expectRejection("TooFewSamples", naming: "39 samples; at least 40") {
      try precisionAndRecallJackknife(
        of: featureRows(39, 2, seed: 3), against: enough, convention: convention)
    }
    expectRejection("TooFewSamples", naming: "\(k) samples; at least \(k + 1)") {
      try precisionAndRecallJackknife(of: generated, against: few, convention: convention)
    }
    expectRejection("DimensionMismatch", naming: "2 features per sample, the other 3") {
      try precisionAndRecallJackknife(
        of: generated, against: featureRows(9, 3, seed: 1), convention: convention)
    }
    try expectScoresOfTheRest(generated, enough, convention)
  }
}

struct GroupedScores: Decodable, Sendable, CustomTestStringConvertible {
  let counts: [Int]
  let dimension: Int
  let scale: Float
  /// Of all samples, then without each group.
  let precision: [Double]
  let recall: [Double]
  let density: [Double]
  let coverage: [Double]

  var testDescription: String { "\(counts) samples of \(dimension)" }
}
