import Foundation
import GenerativeMetrics
import Testing
import _TestSupport

@Suite("MIND, CMMD, copies and PyTorch's generator") struct MemorizationTests {
  /// The rows of scripts/fixtures/later_metrics.py: the first generated ones are copies and near copies.
  private func sets(_ golden: MemorizationCase) throws -> (FeatureRows, FeatureRows) {
    let d = golden.dimension
    var y = features(golden.counts[0], d, seed: 6, scale: golden.scale)
    let x = features(golden.counts[1], d, seed: 7)
    y.replaceSubrange(0..<d, with: x[3 * d..<4 * d])
    y.replaceSubrange(d..<2 * d, with: x[4 * d..<5 * d].map { $0 + 0x1p-12 })
    return (try FeatureRows(y, dimension: d), try FeatureRows(x, dimension: d))
  }

  // MARK: By hand

  /// Along every direction, a shift by s moves all projections by u·s, whose square has the mean |s|²/D.
  @Test func aShift() throws {
    let x = features(50, 3, seed: 1)
    let y = x.enumerated().map { $0.offset % 3 == 0 ? $0.element + 2 : $0.element }
    let (first, second) = (try FeatureRows(y, dimension: 3), try FeatureRows(x, dimension: 3))
    let distance = try MongeInceptionDistance(of: first, from: second)
    #expect(distance.count == 50 && distance.directionCount == 1000)
    // 3 D · 4 / D within what 1,000 directions leave.
    #expect(abs(distance.value - 12) < 1)
    #expect(try MongeInceptionDistance(of: second, from: second).value == 0)
    let turned = try MongeInceptionDistance(of: second, from: first)
    #expect(abs(turned.value / distance.value - 1) < 1e-12)
  }

  /// All embeddings of a set have one direction, and the two directions are orthogonal: `2 - 2 exp(-2/200)`, whatever
  /// the norms are.
  @Test func orthogonalEmbeddings() throws {
    let y = try FeatureRows((0..<40).flatMap { [Float($0 + 1), 0] }, dimension: 2)
    let x = try FeatureRows([0, 3, 0, 0.5], dimension: 2)
    let found = try clipDiscrepancy(of: y, against: x)
    let expected = -2000 * expm1(-0.01)
    #expect(abs(found.biased - expected) < 1e-12)
    #expect(abs(found.unbiased.value - expected) < 1e-12)
    #expect(found.unbiased.leftOut.allSatisfy { abs($0 - expected) < 1e-12 })
  }

  @Test func copiesOnALine() throws {
    let training = try FeatureRows([0, 1, 3, 3], dimension: 1)
    let generated = try FeatureRows([0.25, 5, 3, 2, -8], dimension: 1)
    let found = try Memorization(of: generated, training: training)
    #expect(found.pairs.map(\.training) == [0, 2, 2, 1, 0])
    #expect(found.pairs.map(\.distance) == [0.25, 2, 0, 1, 8])
    #expect(found.pairs.map(\.ratio) == [0.25, .infinity, 0, 1, 8])
    // 5, whose nearest training sample occurs twice, and -8.
    #expect(found.authenticPercentage == 40)
    #expect(found.nearestCopies(2).map(\.sample) == [2, 0])
    #expect(found.nearestCopies(9).count == 5)
    #expect(found.pairs.map(\.isAuthentic) == [false, true, false, false, true])
  }

  @Test func distancesOfCopies() throws {
    let reference = try FeatureRows([1, 0, 0, 1, 0, 0], dimension: 2)
    let generated = try FeatureRows([-2, 0, 3, 4], dimension: 2)
    func distance(_ penalty: MemorizationPenalty) throws -> Double {
      try memorizationDistance(of: generated, from: reference, penalty: penalty)
    }
    // The opposite of a sample is as near as a copy; (0, 0) is left out.
    #expect(abs(try distance(.torchmetrics) - 0.1) < 1e-15)
    #expect(abs(try distance(.generated) - 0.1) < 1e-15)
    #expect(memorizationInformedDistance(8, copies: 0.05) == 8 / (0.05 + 1e-14))
    #expect(memorizationInformedDistance(8, copies: 0.1) == 8 / (1 + 1e-14))
    #expect(memorizationInformedDistance(1e-9, copies: 0.05) == 0)
  }

  // MARK: Reference numbers

  @Test("agrees with the tools", arguments: Golden<MemorizationCase>.read("later_metrics"))
  func agreesWithTheTools(golden: MemorizationCase) throws {
    let (y, x) = try sets(golden)
    for (seed, expected) in [(2020, golden.mind2020), (7, golden.mind7)] as [(UInt32, Double)] {
      let distance = try MongeInceptionDistance(of: y, from: x, seed: seed, directionCount: 100)
      // The tool projects in float32.
      expect(abs(distance.value / expected - 1), within: 1e-6, "seed \(seed)")
    }
    let discrepancy = try clipDiscrepancy(of: y, against: x)
    // The code expands the distances in float64, whose rounding is 1e-16 of a kernel near 1.
    expect(abs(discrepancy.biased - golden.cmmd), within: 1e-11, "CMMD")
    expect(abs(discrepancy.unbiased.value - golden.cmmdUnbiased), within: 1e-11, "U-statistic")
    #expect(golden.cmmd - golden.cmmdUnbiased > 0.01, "the two differ")
    let found = try Memorization(of: y, training: x)
    expect(abs(found.authenticPercentage - golden.authpct), within: 1e-5, "AuthPct")
    let jackknife = try found.jackknife()
    let groups = Jackknife.groups(count: y.count)
    for group in [0, 19] {
      let rest = found.pairs.indices.filter { groups[$0] != group }
      let share = Double(rest.count { found.pairs[$0].isAuthentic }) / Double(rest.count)
      #expect(abs(jackknife.leftOut[group] - 100 * share) < 1e-12)
    }
    #expect(found.nearestCopies(2).map(\.sample) == [0, 1])
    #expect(found.pairs[0].ratio == 0 && found.pairs[1].training == 4)
    let copies = try memorizationDistance(of: y, from: x, penalty: .torchmetrics)
    expect(abs(copies / golden.torchmetrics - 1), within: 1e-12, "torchmetrics")
    let generated = try memorizationDistance(of: y, from: x, penalty: .generated)
    expect(abs(generated / golden.generated - 1), within: 1e-12, "generated")
    let fid = try frechetDistance(
      between: statistics(of: y.values, y.dimension), and: statistics(of: x.values, x.dimension)
    ).value
    expect(
      abs(memorizationInformedDistance(fid, copies: copies) / golden.mifid - 1), within: 1e-6,
      "MiFID")
    expect(
      abs(memorizationInformedDistance(fid, copies: copies, threshold: 2) / golden.mifidOfAll - 1),
      within: 1e-6, "MiFID without a threshold")
    // Each definition is of its own direction.
    #expect(golden.torchmetrics != golden.generated)
  }

  @Test("repeats torch.Generator", arguments: Golden<TorchCase>.read("torch_generator"))
  func repeatsTorch(golden: TorchCase) {
    var generator = TorchGenerator(seed: golden.seed)
    let last = max(0, golden.count - 20)
    #expect(generator.uniforms(golden.count)[last...].elementsEqual(golden.uniforms))
    let normals = generator.normals(golden.count)[last...]
    expect(zip(normals, golden.normals).map { abs($0 - $1) }.max() ?? 1, within: 2e-6, "normals")
    #expect(Array(generator.permutation(golden.count)[last...]) == golden.permutation)
  }

  // MARK: Rejections

  @Test func rejections() throws {
    let (one, two) = (
      try FeatureRows([1, 2], dimension: 1), try FeatureRows([1, 2], dimension: 2)
    )
    #expect(throws: MetricError.self) { try MongeInceptionDistance(of: one, from: two) }
    #expect(throws: MetricError.self) {
      try MongeInceptionDistance(of: one, from: one, directionCount: 15)
    }
    #expect(throws: MetricError.self) { try Memorization(of: one, training: two) }
    #expect(throws: MetricError.self) { try Memorization(of: two, training: two) }
    let many = try FeatureRows([Float](repeating: 1, count: 80), dimension: 2)
    #expect(throws: MetricError.self) {
      try clipDiscrepancy(of: many, against: FeatureRows([1, 1, 0, 0], dimension: 2))
    }
    let none = try FeatureRows([], dimension: 2), zero = try FeatureRows([0, 0], dimension: 2)
    #expect(throws: MetricError.self) { try Memorization(of: none, training: two) }
    #expect(throws: MetricError.self) {
      try memorizationDistance(of: two, from: zero, penalty: .generated)
    }
  }
}

struct MemorizationCase: Decodable, Sendable {
  let counts: [Int]
  let dimension: Int
  let scale: Float
  let mind2020, mind7, cmmd, cmmdUnbiased, authpct, torchmetrics, generated, mifid,
    mifidOfAll: Double
}

struct TorchCase: Decodable, Sendable {
  let seed: UInt32
  let count: Int
  let uniforms: [Float]
  let normals: [Double]
  let permutation: [Int]
}
