import DisEval
import Files
import GenerativeMetrics
import Sampling
import Testing

/// What balanced labels are worth.
@Suite("The effect of labels") struct LabelEffectTests {
  /// Images with the feature 0 of class 0 and 4 of class 1, and a reference with the mean 2.
  private static func effect(_ counts: [Int], shares: [Double]? = nil) throws
    -> Explanation.LabelEffect
  {
    let labels = counts.indices.flatMap { [Int](repeating: $0, count: counts[$0]) }
    return try Explanation.LabelEffect(
      rows: FeatureRows(labels.map { Float(4 * $0) }, dimension: 1), labels: labels,
      classes: counts.count,
      against: FactoredGaussian(
        GaussianStatistics(count: 100, mean: [2], covariance: [reference])), shares: shares)
  }

  private static let reference = 4.0

  /// The squared distance if the classes have these shares: one feature of the values 0 and 4, with the
  /// unbiased variance of weighted rows.
  private static func distance(_ counts: [Int], _ shares: [Double]) -> Double {
    let total = Double(counts.reduce(0, +))
    let mean = 4 * shares[1]
    let variance = shares[0] * mean * mean + shares[1] * (4 - mean) * (4 - mean)
    let squares = zip(shares, counts).reduce(0) { $0 + $1.0 * $1.0 / Double($1.1) }
    let unbiased = variance / (1 - squares)
    #expect(total > 1)
    let deviations = unbiased.squareRoot() - reference.squareRoot()
    return (mean - 2) * (mean - 2) + deviations * deviations
  }

  /// 2 and 4 images. As they are, the mean is 8/3 and the variance 64/15; balanced, the mean is 2 and the
  /// variance 4 / (1 - 1/8 - 1/16) = 64/13.
  @Test func byHand() throws {
    let effect = try Self.effect([2, 4], shares: [0.25, 0.75])
    #expect(effect.counts.counts == [2, 4])
    let observed = (64.0 / 15).squareRoot() - 2
    #expect(abs(effect.observed - (4.0 / 9 + observed * observed)) < 1e-12)
    let balanced = (64.0 / 13).squareRoot() - 2
    #expect(abs(effect.balanced - balanced * balanced) < 1e-12)
    #expect(abs(try #require(effect.reference) - Self.distance([2, 4], [0.25, 0.75])) < 1e-12)
  }

  /// The draws are those of the label policy, with the seeds from 0.
  @Test func drawnLabelsAreThoseOfThePolicy() throws {
    let counts = [20, 44]
    let effect = try Self.effect(counts)
    let distances = (0..<8).map { seed in
      let drawn = LabelPolicy.uniform.counts(first: 64, of: 2, seed: UInt64(seed)).counts
      return Self.distance(counts, drawn.map { Double($0) / 64 })
    }
    let mean = distances.reduce(0, +) / 8
    #expect(effect.draws == 8 && abs(effect.drawn - mean) < 1e-12)
    let squares = distances.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    #expect(abs(effect.drawnDeviation - (squares / 7).squareRoot()) < 1e-12)
    #expect(abs(effect.worth - (mean - Self.distance(counts, [0.5, 0.5]))) < 1e-12)
    #expect(effect.worth > 0, "drawn classes move the mean away from that of the reference")
    #expect(effect.reference == nil)
  }

  @Test func balancedLabelsAreAlreadyBalanced() throws {
    let effect = try Self.effect([32, 32])
    #expect(abs(effect.observed - effect.balanced) < 1e-12 && effect.worth > 0)
  }

  @Test func labelsAreChecked() throws {
    let both = try LabelledImages([0, 1, 1, 0], reference: [1, 1, 1, 0], path: "l")
    #expect(both.classes == 2 && both.shares == [0.25, 0.75])
    #expect(try LabelledImages([0, 1], reference: nil, path: "l").shares == nil)
    for (labels, reference, code, part) in [
      ([0, -1], nil, .labelsInvalid, "-1 is not a class"),
      ([0, 1 << 20], nil, .labelsInvalid, "not a class"),
      ([0, 0], nil, .classWithoutImages, "one class"),
      ([0, 2], nil, .classWithoutImages, "1 of 3 classes have no image, such as class 1"),
      ([0, 1], [0, 1, 2, 3], .classWithoutImages, "2 of 4 classes"),
    ] as [([Int], [Int]?, Failure.Code, String)] {
      #expect {
        try LabelledImages(labels, reference: reference, path: "l")
      } throws: {
        let failure = $0 as? Failure
        return failure?.code == code && failure?.status == .dataRefused
          && failure?.detail.contains(part) == true
      }
    }
  }
}
