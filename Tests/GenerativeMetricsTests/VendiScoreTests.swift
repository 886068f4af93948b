import GenerativeMetrics
import Testing
import _TestSupport

@Suite struct VendiScoreTests {
  // MARK: By hand

  /// Four samples along three axes: λ = 1/2, 1/4, 1/4, so that the entropy is 3/2 ln 2. Lengths do
  /// not matter.
  @Test(arguments: [1, 0x1p-60, 0x1p60] as [Float])
  func threeAxes(scale: Float) throws {
    let values: [Float] = [1, 0, 0, 5, 0, 0, 0, -2, 0, 0, 0, 0.5]
    let rows = try FeatureRows(values.map { $0 * scale }, dimension: 3)
    #expect(abs(try vendiScore(of: rows) - 8.0.squareRoot()) <= 1e-14)
  }

  @Test func oneDirectionIsOneSample() throws {
    let rows = try FeatureRows([1, 2, 2, 4, -3, -6], dimension: 2)
    #expect(abs(try vendiScore(of: rows) - 1) <= 1e-14)
    #expect(try abs(vendiScore(of: FeatureRows([3, 4, 5], dimension: 3)) - 1) <= 1e-14)
  }

  @Test("orthogonal samples count each", arguments: [1, 2, 7, 64])
  func orthogonalSamples(count: Int) throws {
    let rows = try FeatureRows(
      diagonal([Double](repeating: 2, count: count)).map(Float.init), dimension: count)
    #expect(abs(try vendiScore(of: rows) / Double(count) - 1) <= 1e-14)
  }

  /// Samples along the axes, one per group and axis: without any group, all of 20 axes are alike
  /// but one.
  @Test func oneAxisForEachGroup() throws {
    let groups = Jackknife.groups(count: 60)
    let values = groups.flatMap { group in (0..<20).map { $0 == group ? Float(1) : 0 } }
    let jackknife = try vendiScoreJackknife(of: FeatureRows(values, dimension: 20))
    #expect(abs(jackknife.value - 20) <= 1e-13)
    #expect(jackknife.leftOut.allSatisfy { abs($0 - 19) <= 1e-13 })
  }

  // MARK: Reference numbers

  @Test("agrees with vendi-score", arguments: Golden<VendiCase>.read("vendi"))
  func agreesWithVendiScore(golden: VendiCase) throws {
    let rows = try featureRows(golden.count, golden.dimension, seed: 5, scale: golden.scale)
    expect(abs(try vendiScore(of: rows) / golden.score - 1), within: 1e-12, "score")
    guard let leftOut = golden.leftOut else { return }
    let jackknife = try vendiScoreJackknife(of: rows)
    #expect(try jackknife.value == vendiScore(of: rows))
    expect(worst(jackknife.leftOut, leftOut).relative, within: 1e-12, "without a group")
  }

  // MARK: Properties

  /// More and fewer samples than features, also only without a group.
  @Test(
    "without a group it is the score of the rest",
    arguments: [40, 59, 60, 61, 62, 63, 64, 600, 1100])
  func scoreOfTheRest(count: Int) throws {
    let rows = try featureRows(count, 60, seed: 6, scale: 2)
    let jackknife = try vendiScoreJackknife(of: rows)
    let expected = try Jackknife(of: vendiScore(of:), rows: rows)
    #expect(abs(jackknife.value / expected.value - 1) <= 1e-13)
    #expect(worst(jackknife.leftOut, expected.leftOut).relative <= 1e-11)
  }

  @Test("is from 1 to the smaller size", arguments: [(30, 5), (5, 30), (64, 64)])
  func bounds(count: Int, dimension: Int) throws {
    let score = try vendiScore(of: featureRows(count, dimension, seed: 1, scale: 10))
    #expect(1...Double(min(count, dimension)) ~= score)
  }

  @Test("copies do not add samples", arguments: [(10, 40), (40, 10)])
  func copies(count: Int, dimension: Int) throws {
    let rows = try featureRows(count, dimension, seed: 1, scale: 3)
    let copies = try FeatureRows(rows.values + rows.values + rows.values, dimension: dimension)
    #expect(try abs(vendiScore(of: copies) / vendiScore(of: rows) - 1) <= 1e-11)
  }

  /// Rows may lie in a file: each is read once, or twice if there are more rows than features.
  @Test("rows are read few times", arguments: [(40, 50, 1), (60, 50, 2)])
  func reads(count: Int, dimension: Int, times: Int) throws {
    let rows = try featureRows(count, dimension, seed: 1)
    var reads = [Int](repeating: 0, count: count)
    var finished: [Int] = []
    let jackknife = try Jackknife.ofVendiScore(
      count: count, dimension: dimension, progress: { finished.append($0) }
    ) { (index) throws(MetricError) in
      reads[index] += 1
      return Array(rows.values[index * dimension..<(index + 1) * dimension])
    }
    #expect(reads.allSatisfy { $0 == times })
    #expect(finished == Array(1...20))
    #expect(try jackknife == vendiScoreJackknife(of: rows))
  }

  // MARK: Rejections

  @Test("a row of zeros has no direction", arguments: [3, 60])
  func rowOfZeros(dimension: Int) throws {
    var values = features(50, dimension, seed: 1)
    for column in 0..<dimension { values[17 * dimension + column] = 0 }
    let rows = try FeatureRows(values, dimension: dimension)
    expectRejection("ZeroRow", naming: "sample 17") { try vendiScore(of: rows) }
    expectRejection("ZeroRow", naming: "sample 17") { try vendiScoreJackknife(of: rows) }
  }

  @Test func rejections() throws {
    expectRejection("TooFewSamples") { try vendiScore(of: FeatureRows([], dimension: 2)) }
    expectRejection("TooFewSamples", naming: "39 samples; at least 40") {
      try vendiScoreJackknife(of: featureRows(39, 2, seed: 1))
    }
    func jackknife(_ dimension: Int, _ row: [Float]) throws -> Jackknife {
      try Jackknife.ofVendiScore(count: 40, dimension: dimension) { _ in row }
    }
    expectRejection("ShapeMismatch", naming: "3 values") { try jackknife(2, [1, 2, 3]) }
    expectRejection("ShapeMismatch", naming: "0 features") { try jackknife(0, []) }
    expectRejection("NonFinite", naming: "sample") { try jackknife(2, [1, .nan]) }
    expectRejection("CountMismatch") {
      try Jackknife.ofVendiScore(count: 40, dimension: 2) { (_) throws(MetricError) in
        throw MetricError(.countMismatch, "of the caller")
      }
    }
  }
}

struct VendiCase: Decodable, Sendable, CustomTestStringConvertible {
  let count: Int
  let dimension: Int
  let scale: Float
  let score: Double
  let leftOut: [Double]?

  var testDescription: String { "\(count) samples of \(dimension)" }
}
