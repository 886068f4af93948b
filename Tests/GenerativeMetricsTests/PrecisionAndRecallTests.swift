import GenerativeMetrics
import Testing
import _TestSupport

@Suite struct PrecisionAndRecallTests {
  typealias Convention = PrecisionAndRecall.Convention

  // MARK: By hand

  @Test(arguments: [Convention.guidedDiffusion, .torchFidelity])
  func surfaceBelongsToTheBall(convention: Convention) throws {
    // Radii of the reference: 3, 2, 2, 3; those of the generated samples reach all of it.
    let reference = try FeatureRows([0, 1, 2, 3], dimension: 1)
    let generated = try FeatureRows([6, 10, 20, 30], dimension: 1)
    let result = try precisionAndRecall(of: generated, against: reference, convention: convention)
    #expect(result.precision == 0.25)
    #expect(result.recall == 1)
    #expect(result.density == 1 / 12.0)
    #expect(result.coverage == 0.25)
    #expect(result.fScore == 0.4)
  }

  @Test func surfaceDoesNotBelongToTheBallOfPRDC() throws {
    let reference = try FeatureRows([0, 1, 2, 3, 4, 5], dimension: 1)
    let touching = try precisionAndRecall(
      of: FeatureRows([10, 20, 30, 40, 50, 60], dimension: 1), against: reference, convention: .prdc
    )
    #expect([touching.precision, touching.density, touching.coverage] == [0, 0, 0])
    #expect(touching.recall == 1)
    let inside = try precisionAndRecall(
      of: FeatureRows([9.5, 20, 30, 40, 50, 60], dimension: 1), against: reference,
      convention: .prdc)
    #expect(inside.precision == 1 / 6.0)
    #expect(inside.density == 1 / 30.0)
    #expect(inside.coverage == 1 / 6.0)
  }

  @Test func setsFarApartScoreNothing() throws {
    let reference = try featureRows(50, 4, seed: 1)
    let generated = try FeatureRows(reference.values.map { $0 + 1000 }, dimension: 4)
    let result = try precisionAndRecall(of: generated, against: reference, convention: .prdc)
    #expect([result.precision, result.recall, result.density, result.coverage] == [0, 0, 0, 0])
    #expect(result.fScore == 0)
  }

  @Test func ballsOfEqualSamplesAreTheirSurface() throws {
    let set = try FeatureRows([Float](repeating: 0.7, count: 20 * 3), dimension: 3)
    let closed = try precisionAndRecall(of: set, against: set, convention: .torchFidelity)
    #expect([closed.precision, closed.recall, closed.coverage] == [1, 1, 1])
    #expect(closed.density == 20 / 3.0)
    let open = try precisionAndRecall(of: set, against: set, convention: .prdc)
    #expect([open.precision, open.recall, open.density, open.coverage] == [0, 0, 0, 0])
  }

  // MARK: Reference numbers

  /// torch-fidelity's fractions are float32.
  @Test("agrees with the tools", arguments: Golden<PrecisionCase>.read("precision_recall"))
  func agreesWithTools(golden: PrecisionCase) throws {
    let generated = try featureRows(
      golden.counts[0], golden.dimension, seed: 3, scale: golden.scale)
    let reference = try featureRows(golden.counts[1], golden.dimension, seed: 4)
    func check(_ convention: Convention, _ expected: PrecisionCase.Scores, tolerance: Double) throws
    {
      let got = try precisionAndRecall(of: generated, against: reference, convention: convention)
      #expect(abs(got.precision - expected.precision) <= tolerance)
      #expect(abs(got.recall - expected.recall) <= tolerance)
      #expect(abs(got.density - (expected.density ?? got.density)) <= tolerance)
      #expect(abs(got.coverage - (expected.coverage ?? got.coverage)) <= tolerance)
      #expect(abs(got.fScore - (expected.fScore ?? got.fScore)) <= tolerance)
    }
    try check(.torchFidelity, golden.torchFidelity, tolerance: 1e-7)
    try check(.guidedDiffusion, golden.guidedDiffusion, tolerance: 1e-15)
    if let scores = golden.prdc { try check(.prdc, scores, tolerance: 1e-15) }
  }

  /// Small integers, so that many distances are equal, and sizes around a block.
  @Test(
    "agrees with the definition, ties included",
    arguments: [(4, 4, 3), (6, 7, 1), (40, 50, 3), (64, 30, 17), (1023, 9, 2), (1024, 1025, 5)])
  func agreesWithDefinition(n: Int, m: Int, dimension: Int) throws {
    var generator = SeededGenerator(seed: UInt64(n))
    func set(_ count: Int) throws -> FeatureRows {
      try FeatureRows(
        generator.floats(count * dimension, scale: 3).map { $0.rounded() }, dimension: dimension)
    }
    let (reference, generated) = try (set(n), set(m))
    for convention in Convention.allCases where min(n, m) > convention.neighbors {
      let result = try precisionAndRecall(
        of: generated, against: reference, convention: convention)
      #expect(scores(result) == definition(generated, reference, convention))
    }
  }

  // MARK: Properties

  @Test("a set covers itself", arguments: [6, 7, 100, 1025], Convention.allCases)
  func selfComparison(count: Int, convention: Convention) throws {
    let set = try featureRows(count, 9, seed: 1)
    let result = try precisionAndRecall(of: set, against: set, convention: convention)
    #expect([result.precision, result.recall, result.coverage, result.fScore] == [1, 1, 1, 1])
    let k = Double(convention.neighbors)
    #expect(abs(result.density - (convention.includesSurface ? (k + 1) / k : 1)) <= 1e-15)
  }

  @Test("precision is the recall of the sets swapped", arguments: Convention.allCases)
  func swapped(convention: Convention) throws {
    let (a, b) = try (featureRows(120, 5, seed: 1), featureRows(90, 5, seed: 2, scale: 1.25))
    let (ab, ba) = try (
      precisionAndRecall(of: a, against: b, convention: convention),
      precisionAndRecall(of: b, against: a, convention: convention)
    )
    #expect(ab.precision == ba.recall)
    #expect(ab.recall == ba.precision)
    #expect(ab.precision != ab.recall)
  }

  /// Far enough that products leave float32.
  @Test("scale does not matter", arguments: [0x1p-100, 0x1p-60, 0x1p40, 0x1p120] as [Float])
  func scaled(scale: Float) throws {
    let (a, b) = try (featureRows(70, 6, seed: 1), featureRows(80, 6, seed: 2, scale: 1.25))
    let (c, d) = try (
      FeatureRows(a.values.map { $0 * scale }, dimension: 6),
      FeatureRows(b.values.map { $0 * scale }, dimension: 6)
    )
    for convention in Convention.allCases {
      #expect(
        try precisionAndRecall(of: c, against: d, convention: convention)
          == precisionAndRecall(of: a, against: b, convention: convention))
    }
  }

  /// Distances of a millionth of the norm: all digits of a float32 product are lost.
  @Test func originDoesNotMatter() throws {
    func set(_ count: Int, seed: UInt64, offset: Float) throws -> FeatureRows {
      var generator = SeededGenerator(seed: seed)
      let values = generator.floats(count * 4, scale: 5).map { $0.rounded() + offset }
      return try FeatureRows(values + [Float](repeating: 0, count: 4), dimension: 4)
    }
    for convention in Convention.allCases {
      let offset: Float = 0x1p22
      let (a, b) = try (
        set(60, seed: 1, offset: offset), set(70, seed: 2, offset: offset)
      )
      #expect(
        try scores(precisionAndRecall(of: a, against: b, convention: convention))
          == definition(a, b, convention))
    }
  }

  // MARK: Rejections

  @Test("k samples are too few, k + 1 are enough", arguments: Convention.allCases)
  func tooFewSamples(convention: Convention) throws {
    let k = convention.neighbors
    let (few, enough) = try (featureRows(k, 2, seed: 1), featureRows(k + 1, 2, seed: 2))
    for (a, b) in [(few, enough), (enough, few)] {
      expectRejection("TooFewSamples", naming: "\(k) samples; at least \(k + 1)") {
        try precisionAndRecall(of: a, against: b, convention: convention)
      }
    }
    #expect(
      try precisionAndRecall(of: enough, against: enough, convention: convention).precision == 1)
  }

  @Test func differentDimensions() throws {
    let (a, b) = try (featureRows(10, 2, seed: 1), featureRows(10, 3, seed: 1))
    expectRejection("DimensionMismatch", naming: "2 features per sample, the other 3") {
      try precisionAndRecall(of: a, against: b, convention: .prdc)
    }
  }
}

private func scores(_ result: PrecisionAndRecall) -> [Double] {
  [result.precision, result.recall, result.density, result.coverage]
}

/// The four scores from full matrices of distances.
private func definition(
  _ generated: FeatureRows, _ reference: FeatureRows, _ convention: PrecisionAndRecall.Convention
) -> [Double] {
  func distances(_ a: FeatureRows, _ b: FeatureRows) -> [[Double]] {
    let d = a.dimension
    return (0..<a.count).map { i in
      (0..<b.count).map { j in
        (0..<d).reduce(0.0) {
          let difference = Double(a.values[i * d + $1]) - Double(b.values[j * d + $1])
          return $0 + difference * difference
        }
      }
    }
  }
  let k = convention.neighbors
  func radii(_ a: FeatureRows) -> [Double] { distances(a, a).map { $0.sorted()[k] } }
  func inside(_ distance: Double, _ radius: Double) -> Bool {
    convention.includesSurface ? distance <= radius : distance < radius
  }
  let (ball, other) = (radii(reference), radii(generated))
  let across = distances(reference, generated)
  let (n, m) = (reference.count, generated.count)
  let around = (0..<m).map { j in (0..<n).count { inside(across[$0][j], ball[$0]) } }
  let recalled = (0..<n).count { i in (0..<m).contains { inside(across[i][$0], other[$0]) } }
  let covered = (0..<n).count { i in (0..<m).contains { inside(across[i][$0], ball[i]) } }
  return [
    Double(around.count { $0 > 0 }) / Double(m), Double(recalled) / Double(n),
    Double(around.reduce(0, +)) / (Double(k) * Double(m)), Double(covered) / Double(n),
  ]
}

struct PrecisionCase: Decodable, Sendable, CustomTestStringConvertible {
  struct Scores: Decodable, Sendable {
    let precision: Double
    let recall: Double
    let fScore: Double?
    let density: Double?
    let coverage: Double?
  }

  let counts: [Int]
  let dimension: Int
  let scale: Float
  let torchFidelity: Scores
  let guidedDiffusion: Scores
  let prdc: Scores?

  var testDescription: String { "\(counts) samples of \(dimension)" }
}
