import GenerativeMetrics
import Testing

@Suite struct DuplicatesTests {
  /// 100 samples on a line, the reference 3 apart, and generated ones 4 apart but for some.
  @Test func byHand() throws {
    var generated = (0..<100).map { Float(4 * $0) }
    generated[1] = 1
    generated[50] = 201
    let reference = (0..<100).map { Float(3 * $0 + ($0 == 99 ? 5 : 0)) }
    let found = try Duplicates(
      of: FeatureRows(generated + [1000, 1000], dimension: 1),
      reference: FeatureRows(reference, dimension: 1))
    // 100 of each.
    #expect(found.count == 100 && found.threshold == 3)
    #expect(found.pairs[0].second == 1 && found.pairs[0].distance == 1)
    #expect(found.pairs[1].second == 0 && found.pairs[1].distance == 1)
    #expect(found.pairs[50].second == 51 && found.pairs[50].distance == 3)
    // 0 and 1, and 50 and 51.
    #expect(found.percentage == 4)
    #expect(found.referencePercentage == 99, "all but the last one tie")
    #expect(found.nearest(2).map(\.first) == [0, 50], "the pair of 0 and 1 is listed once")
    #expect(found.nearest(-1).isEmpty)
  }

  @Test func equalSamplesAreNearEachOther() throws {
    var generated = (0..<100).map { Float(10 * $0) }
    (generated[1], generated[2]) = (0, 0)
    let reference = (0..<100).map { Float($0 * $0) }
    let found = try Duplicates(
      of: FeatureRows(generated, dimension: 1), reference: FeatureRows(reference, dimension: 1))
    #expect(found.pairs.prefix(3).map(\.second) == [1, 0, 0])
    #expect(found.pairs.prefix(3).allSatisfy { $0.distance == 0 })
    #expect(found.percentage == 3)
  }

  /// The reference's own distribution has about 1 %: binomial with 2,000 samples, whose threshold has as large an
  /// error.
  @Test func otherSamplesOfTheReferenceHaveAboutOnePercent() throws {
    var random = Normals(seed: 9)
    func rows() throws -> FeatureRows {
      try FeatureRows((0..<2000 * 8).map { _ in Float(random.next()) }, dimension: 8)
    }
    let found = try Duplicates(of: rows(), reference: rows())
    #expect(found.referencePercentage == 1)
    #expect((0.1...2.5).contains(found.percentage), "\(found.percentage)")
    // A tenth of them twice, with little noise.
    var values = try rows().values
    for row in 0..<200 {
      for column in 0..<8 { values[row * 8 + column] = values[(row + 500) * 8 + column] + 1e-3 }
    }
    let copied = try Duplicates(of: FeatureRows(values, dimension: 8), reference: rows())
    #expect(copied.percentage > 19, "\(copied.percentage)")
  }

  @Test func rejections() throws {
    let many = try FeatureRows((0..<100).map { Float($0) }, dimension: 1)
    let few = try FeatureRows((0..<99).map { Float($0) }, dimension: 1)
    for (a, b) in [(few, many), (many, few)] {
      expectRejection("TooFewSamples", naming: "99 samples") {
        try Duplicates(of: a, reference: b)
      }
    }
    let wide = try FeatureRows((0..<200).map { Float($0) }, dimension: 2)
    expectRejection("DimensionMismatch", naming: "2") { try Duplicates(of: many, reference: wide) }
  }
}
