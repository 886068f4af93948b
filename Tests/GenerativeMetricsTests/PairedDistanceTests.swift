import Foundation
import GenerativeMetrics
import Testing
import _TestSupport

@Suite("The Fréchet distance of pairs, without groups of them") struct PairedDistanceTests {
  /// N pairs of D features: a sample, and the sample with noise added and a little moved.
  private struct Pairs {
    let first, second: [[Float]]

    init(_ count: Int, dimension: Int, seed: UInt64, noise: Float = 0.5) {
      var random = SeededGenerator(seed: seed)
      func row(_ scale: Float) -> [Float] {
        let parts = (0..<4).map { _ in random.floats(dimension, scale: scale) }
        return (0..<dimension).map { index in parts.reduce(0) { $0 + $1[index] } }
      }
      let first = (0..<count).map { _ in row(1) }
      self.first = first
      second = first.map { sample in zip(sample, row(noise)).map { 1.02 * $0 + $1 } }
    }

    func accumulated(_ rows: [[Float]]) throws -> GaussianAccumulator {
      var accumulator = try GaussianAccumulator(dimension: rows[0].count)
      for row in rows { try accumulator.append(rows: row) }
      return accumulator
    }

    func value() throws -> Double {
      try frechetDistance(
        between: accumulated(first).statistics(), and: accumulated(second).statistics()
      ).value
    }

    func jackknife() throws -> Jackknife {
      try Jackknife.ofPairedDistance(
        value(), between: accumulated(first), and: accumulated(second)
      ) { (first[$0], second[$0]) }
    }
  }

  @Test func leavesOutBothSamplesOfAPair() throws {
    let pairs = Pairs(61, dimension: 3, seed: 1)
    let jackknife = try pairs.jackknife()
    let groups = Jackknife.groups(count: 61)
    for (group, value) in jackknife.leftOut.enumerated() {
      let kept = (0..<61).filter { groups[$0] != group }
      let expected = try frechetDistance(
        between: pairs.accumulated(kept.map { pairs.first[$0] }).statistics(),
        and: pairs.accumulated(kept.map { pairs.second[$0] }).statistics()
      ).value
      #expect(abs(value - expected) <= 1e-11)
    }
  }

  /// What the samples have in common does not count: equal samples have no error at all.
  @Test func equalSamplesHaveNoError() throws {
    let pairs = Pairs(200, dimension: 4, seed: 2, noise: 0)
    let same = try Jackknife.ofPairedDistance(
      0, between: pairs.accumulated(pairs.first), and: pairs.accumulated(pairs.first)
    ) { (pairs.first[$0], pairs.first[$0]) }
    #expect(same.standardError < 1e-12)
    let fixed = try Jackknife.ofDistance(
      0, of: pairs.accumulated(pairs.first),
      from: FactoredGaussian(pairs.accumulated(pairs.first).statistics())
    ) { pairs.first[$0] }
    #expect(fixed.standardError > 1e-5, "as if the originals had not been drawn too")
  }

  @Test("intervals contain the expectation as often as they say") func coverage() throws {
    let all = try (0..<300).map { seed in
      try Pairs(300, dimension: 4, seed: UInt64(1000 + seed)).jackknife()
    }
    let expectation = all.reduce(0) { $0 + $1.value } / Double(all.count)
    let covered = all.count { $0.interval(of: .fid).contains(expectation) }
    #expect((276...297).contains(covered), "\(covered) of 300")
  }

  @Test func rejections() throws {
    let few = Pairs(39, dimension: 2, seed: 3)
    expectRejection("TooFewSamples", naming: "39 samples") { try few.jackknife() }
    let pairs = Pairs(45, dimension: 2, seed: 4)
    expectRejection("CountMismatch", naming: "45 and 44") {
      try Jackknife.ofPairedDistance(
        1, between: pairs.accumulated(pairs.first),
        and: pairs.accumulated(Array(pairs.second.dropLast()))
      ) { (pairs.first[$0], pairs.second[$0]) }
    }
  }
}
