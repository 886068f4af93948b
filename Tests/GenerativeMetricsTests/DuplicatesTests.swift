import GenerativeMetrics
import Testing

@Suite struct DuplicatesTests {
  /// On a line: the nearest distances are 1, 1, 2 and 1 to the others, and 3, 3 and 4 in the reference.
  @Test func byHand() throws {
    let generated = try FeatureRows([0, 1, 3, 20, 21], dimension: 1)
    let reference = try FeatureRows([0, 3, 7], dimension: 1)
    let found = try Duplicates(of: generated, reference: reference)
    // Three of each.
    #expect(found.count == 3 && found.threshold == 3)
    #expect(found.pairs.map(\.second) == [1, 0, 1])
    #expect(found.pairs.map(\.distance) == [1, 1, 2])
    #expect(found.percentage == 100)
    #expect(found.referencePercentage == 200 / 3.0)
    #expect(found.nearest(9).map(\.first) == [0, 2], "the pair of 0 and 1 is listed once")
    #expect(found.nearest(1).map(\.first) == [0] && found.nearest(-1).isEmpty)
  }

  @Test func equalSamplesAreNearEachOther() throws {
    let generated = try FeatureRows([5, 5, 5, 9], dimension: 1)
    let reference = try FeatureRows([0, 1, 2, 4], dimension: 1)
    let found = try Duplicates(of: generated, reference: reference)
    #expect(found.pairs.map(\.second) == [1, 0, 0, 0])
    #expect(found.pairs.map(\.distance) == [0, 0, 0, 4])
    #expect(found.percentage == 75)
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
    let (one, two) = try (FeatureRows([1], dimension: 1), FeatureRows([1, 2], dimension: 1))
    expectRejection("TooFewSamples", naming: "1 sample") {
      try Duplicates(of: one, reference: two)
    }
    expectRejection("TooFewSamples", naming: "1 sample") {
      try Duplicates(of: two, reference: one)
    }
    let wide = try FeatureRows([1, 2, 3, 4], dimension: 2)
    expectRejection("DimensionMismatch", naming: "2") { try Duplicates(of: two, reference: wide) }
  }
}
