import GenerativeMetrics
import Testing

@Suite struct ClassDistanceTests {
  /// Shares of 1/4, 3/4, 0 and of 1/2, 1/4, 1/4.
  @Test func threeClassesByHand() throws {
    let distance = try classDistance(counts: [1, 3, 0, 0], reference: [20, 10, 10, 0])
    #expect(abs(distance - (0.0625 / 0.75 + 0.25 + 0.25) / 2) <= 1e-15)
  }

  @Test func equalSharesAndDisjointClasses() throws {
    #expect(try classDistance(counts: [3, 6, 0], reference: [30, 60, 0]) == 0)
    #expect(try classDistance(counts: [3, 6, 0], reference: [0, 0, 1]) == 1)
    #expect(try classDistance(counts: [5], reference: [7]) == 0)
  }

  /// For N images on both sides, the statistic of the test of homogeneity is
  /// `Σ (n - r)² / (n + r)`, which is `2 N d`.
  @Test func isThePearsonStatisticOfEqualNumbers() throws {
    let (counts, reference) = ([12, 0, 31, 7], [10, 4, 20, 16])
    let statistic = try ClassBalance(counts: counts, reference: reference).statistic
    let distance = try classDistance(counts: counts, reference: reference)
    #expect(abs(statistic - 2 * 50 * distance) <= 1e-12 * statistic)
  }

  @Test func jackknifeIsTheDistanceWithoutEachGroup() throws {
    let reference = [40, 30, 20, 10]
    let classes = (0..<203).map { ($0 * $0 + $0 / 7) % 3 }
    let jackknife = try classDistanceJackknife(classes: classes, reference: reference)
    func distance(_ kept: (Int) -> Bool) throws -> Double {
      var counts = [0, 0, 0, 0]
      for index in classes.indices where kept(index) { counts[classes[index]] += 1 }
      return try classDistance(counts: counts, reference: reference)
    }
    #expect(try jackknife.value == distance { _ in true })
    let groups = Jackknife.groups(count: classes.count)
    for group in 0..<Jackknife.groupCount {
      #expect(try jackknife.leftOut[group] == distance { groups[$0] != group })
    }
  }

  /// Images that are spread as the reference is have a distance of about (K - 1) / 4N, which the bias estimates.
  @Test func biasIsThatOfFewImages() throws {
    var random = Normals(seed: 3)
    let (count, repeats) = (400, 60)
    var (value, bias) = (0.0, 0.0)
    for _ in 0..<repeats {
      // The fractional part of a normal variable with a large deviation is uniform.
      let classes = (0..<count).map { _ in
        let x = 100 * random.next()
        return Int((x - x.rounded(.down)) * 10) % 10
      }
      let jackknife = try classDistanceJackknife(
        classes: classes, reference: [Int](repeating: 1000, count: 10))
      value += jackknife.value / Double(repeats)
      bias += jackknife.bias / Double(repeats)
    }
    let expected = 9 / (4 * Double(count))
    // χ² with 9 degrees of freedom: the mean of 60 has a deviation of 6 %, and 20 groups add as much to the bias.
    #expect(abs(value / expected - 1) < 0.3, "\(value), \(expected)")
    #expect(abs(bias / expected - 1) < 0.4, "\(bias), \(expected)")
  }

  @Test func rejections() {
    expectRejection("ShapeMismatch", naming: "1 and 2 classes") {
      try classDistance(counts: [1], reference: [1, 1])
    }
    expectRejection("ShapeMismatch", naming: "class 1 has -1") {
      try classDistance(counts: [1, -1], reference: [1, 1])
    }
    for (counts, reference) in [([0, 0], [1, 1]), ([1, 1], [0, 0])] {
      expectRejection("TooFewSamples", naming: "0 samples") {
        try classDistance(counts: counts, reference: reference)
      }
    }
    let few = [Int](repeating: 0, count: Jackknife.minimumCount - 1)
    expectRejection("TooFewSamples", naming: "39 samples") {
      try classDistanceJackknife(classes: few, reference: [1])
    }
    for outside in [-1, 2] {
      expectRejection("ShapeMismatch", naming: "class \(outside) of 2") {
        try classDistanceJackknife(classes: few + [outside], reference: [1, 1])
      }
    }
  }
}
