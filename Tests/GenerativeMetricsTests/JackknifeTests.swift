import Foundation
import GenerativeMetrics
import Testing
import _TestSupport

@Suite struct JackknifeTests {
  // MARK: By hand

  /// Of groups of one sample, the jackknife of the mean is the classical standard error.
  @Test func ofTheMeanIsTheClassicalStandardError() {
    let samples = [3.0, -1, 4, 1.5, 9, 2.6, 5]
    let n = Double(samples.count)
    let mean = samples.reduce(0, +) / n
    let jackknife = Jackknife(
      value: mean, leftOut: samples.map { (mean * n - $0) / (n - 1) },
      sizes: samples.map { _ in 1 })
    let variance = samples.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (n - 1)
    #expect(abs(jackknife.bias) <= 1e-14)
    #expect(abs(jackknife.standardError - (variance / n).squareRoot()) <= 1e-14)
  }

  /// The variance divided by n is too small by s²/n, and the jackknife knows it exactly.
  @Test func theBiasOfTheVarianceIsExact() {
    func variance(_ x: [Double], ddof: Double) -> Double {
      let mean = x.reduce(0, +) / Double(x.count)
      return x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (Double(x.count) - ddof)
    }
    let samples = [3.0, -1, 4, 1.5, 9, 2.6, 5]
    let leftOut = samples.indices.map { index in
      variance(Array(samples[..<index] + samples[(index + 1)...]), ddof: 0)
    }
    let jackknife = Jackknife(
      value: variance(samples, ddof: 0), leftOut: leftOut, sizes: samples.map { _ in 1 })
    #expect(abs(jackknife.bias + variance(samples, ddof: 1) / 7) <= 1e-14)
  }

  /// The mean of one feature is linear: the jackknife of rows is that of the classical formula for
  /// groups of two, from sums that are exact.
  @Test func ofAnyMetricOfRows() throws {
    let values: [Float] = (0..<40).map { Float(($0 * 17) % 64) }
    let rows = try FeatureRows(values, dimension: 1)
    let jackknife = try Jackknife(
      of: { (rows) throws(MetricError) in
        Double(rows.values.reduce(0, +)) / Double(rows.count)
      }, rows: rows)
    let sum = Double(values.reduce(0, +))
    let groups = Jackknife.groups(count: 40)
    let leftOut = (0..<20).map { (group: Int) -> Double in
      let part: [Float] = zip(values, groups).filter { $0.1 == group }.map(\.0)
      return (sum - Double(part.reduce(0, +))) / 38
    }
    #expect(jackknife == Jackknife(value: sum / 40, leftOut: leftOut, count: 40))
    #expect(abs(jackknife.bias) <= 1e-12)
    let few = try FeatureRows(Array(values.prefix(39)), dimension: 1)
    expectRejection("TooFewSamples", naming: "39 samples") {
      try Jackknife(of: { (_) throws(MetricError) in 0 }, rows: few)
    }
    let failing = #expect(throws: MetricError.self) {
      try Jackknife(
        of: { (_) throws(MetricError) in throw MetricError(.overflow, "x") }, rows: rows)
    }
    #expect(failing?.code == .overflow)
  }

  /// Two sets whose groups move the value by 1 and -1, and by 3 and -3: the mean moves by 2 and -2.
  @Test func meanOfTwoSets() throws {
    let one = Jackknife(value: 10, leftOut: [9, 11], sizes: [4, 4])
    let other = Jackknife(value: 20, leftOut: [17, 23], sizes: [4, 4])
    let mean = try Jackknife.mean(of: [one, other])
    #expect(mean == Jackknife(value: 15, leftOut: [13, 17], sizes: [4, 4]))
    #expect(try Jackknife.mean(of: [one]) == one)
    for sets in [[], [one, Jackknife(value: 1, leftOut: [1, 1], sizes: [4, 5])]] {
      expectRejection("CountMismatch", naming: "\(sets.count) sets") {
        try Jackknife.mean(of: sets)
      }
    }
  }

  /// The mean over three sets of 200 samples of the squared distance `mean² + (deviation - 1)²`, which
  /// is biased: its interval holds the expectation at 200 samples, not that of infinitely many.
  /// Binomial with 400 intervals: 0.95 ± 0.033 is three standard deviations; the jackknife's error
  /// is on average too large, which may add to the upper side.
  @Test func intervalsOfTheMeanOverSetsHold() throws {
    var random = Normals(seed: 7)
    func distance(_ sum: Double, _ squares: Double, _ count: Double) -> Double {
      let mean = sum / count
      let deviation = max(squares / count - mean * mean, 0).squareRoot()
      return mean * mean + (deviation - 1) * (deviation - 1)
    }
    func set() -> Jackknife {
      let samples = (0..<200).map { _ in 0.5 + 1.2 * random.next() }
      let groups = Jackknife.groups(count: 200)
      let sum = samples.reduce(0, +)
      let squares = samples.reduce(0) { $0 + $1 * $1 }
      let leftOut = (0..<Jackknife.groupCount).map { group in
        let part = zip(samples, groups).filter { $0.1 == group }.map(\.0)
        return distance(
          sum - part.reduce(0, +), squares - part.reduce(0) { $0 + $1 * $1 },
          Double(200 - part.count))
      }
      return Jackknife(value: distance(sum, squares, 200), leftOut: leftOut, count: 200)
    }
    let means = try (0..<400).map { _ in try Jackknife.mean(of: [set(), set(), set()]) }
    let expectation = means.reduce(0) { $0 + $1.value } / 400
    let covered = Double(means.count { $0.positiveInterval.contains(expectation) }) / 400
    #expect(0.917...0.99 ~= covered, "\(covered)")
    let deviation =
      (means.reduce(0) { $0 + ($1.value - expectation) * ($1.value - expectation) } / 399)
      .squareRoot()
    let error = (means.reduce(0) { $0 + $1.standardError * $1.standardError } / 400).squareRoot()
    // The deviation of 400 values is known to 1 / √800 of itself, the errors far better.
    #expect(abs(error / deviation - 1) <= 3 / 800.0.squareRoot() + 0.02, "\(error / deviation)")
  }

  /// Groups of 1, 2 and 3 samples of 0, 3, 3, 6, 6, 6, by Busing's formulas on paper: the mean 4,
  /// without each group 24/5, 18/4 and 2; pseudo-values 0, 3 and 6 around 4.
  @Test func groupsOfUnequalSize() {
    let jackknife = Jackknife(value: 4, leftOut: [24.0 / 5, 18.0 / 4, 2], sizes: [1, 2, 3])
    #expect(abs(jackknife.bias) <= 1e-15)
    let variance = (16.0 / 5 + 1.0 / 2 + 4.0 / 1) / 3
    #expect(abs(jackknife.standardError - variance.squareRoot()) <= 1e-14)
  }

  @Test func intervals() {
    let jackknife = Jackknife(value: 10, leftOut: [9, 11], sizes: [4, 4])
    #expect(abs(jackknife.standardError - 1) <= 1e-15)
    // Student's t with one degree of freedom: tan(0.95 π / 2).
    #expect(abs(jackknife.margin - 12.706_204_736_174_7) <= 1e-11)
    #expect(jackknife.interval == 10 - jackknife.margin...10 + jackknife.margin)
    #expect(jackknife.positiveInterval.lowerBound == 0)
    let tight = Jackknife(value: 10, leftOut: [9.9, 10.1], sizes: [4, 4]).positiveInterval
    #expect(abs(tight.lowerBound * tight.upperBound - 100) <= 1e-12)
    let zero = Jackknife(value: 0, leftOut: [0, 0], sizes: [4, 4]).positiveInterval
    #expect(zero == 0...0)
    let tiny = Jackknife(value: 1e-300, leftOut: [1, 2], sizes: [4, 4]).positiveInterval
    #expect(tiny.upperBound.isFinite)
  }

  /// What a file can say, although no computation does, ends in a range, not in a trap.
  @Test func impossibleValuesHaveARange() throws {
    let line = -Double.infinity ... .infinity
    let huge = Jackknife(value: 0, leftOut: [1.7e308, -1.7e308], sizes: [4, 4])
    let wrong = Jackknife(value: .nan, leftOut: [1, 2], sizes: [4, 4])
    for jackknife in [huge, wrong] {
      #expect(jackknife.interval == line)
      #expect(jackknife.positiveInterval.upperBound == .infinity)
      let other = Jackknife(value: 1, leftOut: [0, 2], sizes: [4, 4])
      #expect(try MetricDifference(jackknife, other, paired: false).interval == line)
    }
    let negative = Jackknife(value: -4, leftOut: [-4.1, -3.9], sizes: [4, 4])
    #expect(negative.positiveInterval == 0...0)
  }

  // MARK: Reference numbers

  struct GroupCase: Decodable, Sendable {
    let run: Int
    let groups: [Int]
  }

  @Test("groups are NumPy's permutations", arguments: Golden<GroupCase>.read("groups"))
  func groups(golden: GroupCase) {
    #expect(Jackknife.groups(count: 20 * golden.run + 20).suffix(20) == golden.groups[...])
  }

  @Test("groups are of one size", arguments: [0, 1, 19, 20, 40, 53, 1999])
  func sizes(count: Int) {
    let groups = Jackknife.groups(count: count)
    let sizes = (0..<Jackknife.groupCount).map { group in groups.count { $0 == group } }
    #expect(groups.count == count && sizes.max()! - sizes.min()! <= 1)
    #expect(
      Jackknife(value: 0, leftOut: sizes.map { _ in 0 }, count: count + 20).sizes
        .reduce(0, +) == count + 20)
    #expect(Jackknife.groups(count: count + 1).prefix(count) == groups[...])
  }

  // MARK: Fréchet distances

  /// One feature: (m - μ)² + (s - σ)², without each group.
  @Test("one dimension agrees with the closed form", arguments: [40, 57, 1000])
  func closedForm(count: Int) throws {
    let rows = features(count, 1, seed: 5)
    let reference = try FactoredGaussian(statistics(mean: [0.5], covariance: [4]))
    func distance(_ x: [Double]) -> Double {
      let mean = x.reduce(0, +) / Double(x.count)
      let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(x.count - 1)
      return (mean - 0.5) * (mean - 0.5) + (variance.squareRoot() - 2) * (variance.squareRoot() - 2)
    }
    let all = rows.map(Double.init)
    let groups = Jackknife.groups(count: count)
    let expected = (0..<20).map { group in
      distance(zip(all, groups).filter { $1 != group }.map(\.0))
    }
    let jackknife = try jackknife(rows, 1, from: reference)
    #expect(worst(jackknife.leftOut, expected).relative <= 1e-13)
    let halves = [0..<10, 10..<20].map { half in
      distance(zip(all, groups).filter { half.contains($1) }.map(\.0))
    }
    #expect(worst(jackknife.halves, halves).relative <= 1e-13)
  }

  // MARK: The second order

  /// A metric `θ + b₁ / N + b₂ / N²` of 400 samples, whose bias the halves make exact.
  @Test func theSecondOrderIsExact() {
    func metric(_ n: Double) -> Double { 7 + 30 / n + 5000 / (n * n) }
    let leftOut = [Double](repeating: metric(380), count: 20)
    let first = Jackknife(value: metric(400), leftOut: leftOut, count: 400)
    let second = Jackknife(
      value: metric(400), leftOut: leftOut, count: 400, halves: [metric(200), metric(200)])
    let bias = 30 / 400.0 + 5000 / 160_000.0
    #expect(abs((second.secondOrderBias ?? .nan) - bias) <= 1e-12)
    #expect(first.bias == second.bias && first.secondOrderBias == nil)
    // Without them, twice the second term is removed, and a little more.
    #expect(abs(first.bias - bias - 5000 / 160_000.0 * 20 / 19) <= 1e-12)
    #expect(first.standardError == second.standardError)
    #expect(second.halves.count == 2 && first.halves.isEmpty)
    let difference = try? Jackknife.pairedDifference(second, second)
    #expect(difference?.halves == [0, 0] && difference?.secondOrderBias == 0)
    let mean = try? Jackknife.mean(of: [second, second])
    #expect(mean?.halves == second.halves && mean?.secondOrderBias == second.secondOrderBias)
    #expect((try? Jackknife.mean(of: [second, first]))?.halves == [])
  }

  /// With ever fewer samples than dimensions left, factors come from rows: at and around the change.
  @Test(
    "without a group it is the distance of the rest", arguments: [40, 57, 60, 61, 62, 63, 64, 200],
    [MeanPrecision.float64, .float32])
  func distanceOfTheRest(count: Int, mean: MeanPrecision) throws {
    let dimension = 60
    let rows = features(count, dimension, seed: 6)
    let other = try statistics(of: features(300, dimension, seed: 7), dimension)
    let jackknife = try jackknife(rows, dimension, from: FactoredGaussian(other), mean: mean)
    let groups = Jackknife.groups(count: count)
    let expected = try (0..<20).map { group in
      let rest = (0..<count).filter { groups[$0] != group }
      return try frechetDistance(
        betweenRows: rest.flatMap { rows[$0 * dimension..<($0 + 1) * dimension] }, and: other,
        mean: mean
      ).value
    }
    #expect(worst(jackknife.leftOut, expected).relative <= (mean == .float64 ? 1e-9 : 1e-6))
    // Each half must have more samples than features.
    #expect(jackknife.halves.count == (count == 200 ? 2 : 0))
  }

  /// With 256 features or more the rest is summed in single precision, and the root of what is left is expanded: the
  /// errors of the eigenvalues and of the products are at most 3e-8 of the traces each, that of the expansion is 1e-9
  /// of them. Where a group changes too much, or single precision is not enough, distances are computed from the
  /// start. Rows that are read again tell which.
  @Test(
    "without a group it is the distance of the rest, of many features",
    arguments: ManyFeatures.allCases, [MeanPrecision.float64, .float32])
  func distanceOfTheRest(case features: ManyFeatures, mean: MeanPrecision) throws {
    let dimension = 256
    let rows = features.rows(dimension)
    let count = rows.count / dimension
    let other = try statistics(of: ManyFeatures.normal.rows(dimension, seed: 2), dimension)
    var samples = try GaussianAccumulator(dimension: dimension)
    try samples.append(rows: rows)
    var reads = 0
    let jackknife = try Jackknife.ofDistance(
      1, of: samples, from: FactoredGaussian(other), mean: mean
    ) {
      reads += 1
      return Array(rows[$0 * dimension..<($0 + 1) * dimension])
    }
    if let isReadOnce = features.isReadOnce {
      #expect(isReadOnce == (reads == count), "\(reads) of \(count)")
    }

    let groups = Jackknife.groups(count: count)
    func distance(_ isIn: (Int) -> Bool) throws -> (value: Double, traces: Double) {
      var rest = try GaussianAccumulator(dimension: dimension)
      for index in 0..<count where isIn(groups[index]) {
        try rest.append(rows: Array(rows[index * dimension..<(index + 1) * dimension]))
      }
      let statistics = try rest.statistics(mean: mean)
      return (
        try frechetDistance(between: statistics, and: other).value,
        trace(statistics) + trace(other)
      )
    }
    // The mean in single precision has an error of 2⁻²⁴ √N of a deviation, and so its squared distance one of
    // about twice that.
    let share = 2 * 3e-8 + 1e-9 + (mean == .float32 ? 2 * 0x1p-24 * Double(count).squareRoot() : 0)
    for group in 0..<20 {
      let expected = try distance { $0 != group }
      #expect(abs(jackknife.leftOut[group] - expected.value) <= share * expected.traces)
    }
    for (half, value) in jackknife.halves.enumerated() {
      let expected = try distance { ($0 < 10) == (half == 0) }
      #expect(abs(value - expected.value) <= share * expected.traces)
    }
    #expect(jackknife.halves.count == (features == .few ? 0 : 2))
  }

  /// Samples of many features.
  enum ManyFeatures: CaseIterable {
    /// Independent normal ones, whose variances fall from 1 to 10⁻⁶.
    case normal
    /// The same times a number for each sample, so that they have the tails of Student's t with 5 degrees of freedom.
    case heavyTailed
    /// The same in a unit of 10¹².
    case large
    /// Few more samples than features.
    case few
    /// One sample has a hundred times the deviation of the others in every feature.
    case withOutlier
    /// Ten features are constant.
    case withConstants
    /// All features are sums of ten, and of much smaller noise.
    case correlated

    /// Whether no distance is computed from the start; nil if rounding decides.
    var isReadOnce: Bool? {
      switch self {
      case .normal, .heavyTailed, .large: true
      case .withOutlier: false
      case .few, .withConstants, .correlated: nil
      }
    }

    func rows(_ dimension: Int, seed: UInt64 = 1) -> [Float] {
      var random = Normals(seed: seed)
      let count = self == .few ? dimension + 40 : 24 * dimension
      let deviations = (0..<dimension).map { pow(10, -3 * Double($0) / Double(dimension)) }
      return (0..<count).flatMap { sample -> [Float] in
        var factor = self == .large ? 1e12 : 1
        if self == .heavyTailed {
          let square = (0..<5).map { _ in random.next() }.reduce(0) { $0 + $1 * $1 }
          factor = 1 / (square / 5).squareRoot()
        }
        if self == .withOutlier && sample == 123 { factor = 100 }
        var row = deviations.map { factor * $0 * random.next() }
        if self == .withConstants { for index in 0..<10 { row[7 * index] = 3 } }
        if self == .correlated {
          let common = Array(row.prefix(10))
          for index in 10..<dimension {
            row[index] =
              1e-9 * row[index]
              + (0..<10).reduce(0) { $0 + common[$1] * sin(Double(index * ($1 + 1))) }
          }
        }
        return row.map { Float($0) }
      }
    }
  }

  /// One sample has nearly all of the variance. The distance without its group would be the difference of sums
  /// that are 10¹² times as large, so the rest is summed anew.
  @Test func theDistanceWithoutAnOutlierIsThatOfTheRest() throws {
    let (count, dimension) = (400, 6)
    var rows = features(count, dimension, seed: 11)
    for column in 0..<dimension { rows[123 * dimension + column] = 1e6 * Float(column - 2) }
    let other = try statistics(of: features(300, dimension, seed: 12), dimension)
    let jackknife = try jackknife(rows, dimension, from: FactoredGaussian(other))
    let groups = Jackknife.groups(count: count)
    let group = groups[123]
    let rest = (0..<count).filter { groups[$0] != group }
    let expected = try frechetDistance(
      betweenRows: rest.flatMap { rows[$0 * dimension..<($0 + 1) * dimension] }, and: other
    ).value
    #expect(abs(jackknife.leftOut[group] / expected - 1) <= 1e-9)
    #expect(jackknife.leftOut[(group + 1) % 20] > 1e9)
  }

  @Test func aSetWithoutAPartIsTheRest() throws {
    let rows = features(1300, 5, seed: 8).map { 1e3 + $0 }
    var (part, whole) = try (GaussianAccumulator(dimension: 5), GaussianAccumulator(dimension: 5))
    try part.append(rows: Array(rows[..<(600 * 5)]))
    try whole.append(rows: rows)
    let (rest, expected) = try (
      whole.removing(part).statistics(), statistics(of: Array(rows[(600 * 5)...]), 5)
    )
    #expect(rest.count == 700)
    #expect(worst(rest.mean, expected.mean).relative <= 1e-15)
    #expect(worst(rest.covariance, expected.covariance).relative <= 1e-13)
  }

  // MARK: Inception scores

  /// Splits stay as they are: each is scored without its samples of the group.
  @Test("the score without a group", arguments: [1, 2, 3])
  func score(splits: Int) throws {
    let (count, classes) = (123, 7)
    let logits = features(count, classes, seed: 9, scale: 3)
    var accumulator = try InceptionScoreAccumulator(
      classes: classes, count: count, convention: .init(.equal(splits)), isGrouped: true)
    for start in stride(from: 0, to: logits.count, by: classes) {
      try accumulator.append(logits[start..<start + classes])
    }
    let jackknife = try accumulator.jackknife()
    let groups = Jackknife.groups(count: count)
    let expected = try (0..<20).map { group in
      try (0..<splits).map { split in
        let rest = (split * count / splits..<(split + 1) * count / splits)
          .filter { groups[$0] != group }
        return try inceptionScore(
          logits: rest.flatMap { logits[$0 * classes..<($0 + 1) * classes] }, classes: classes,
          convention: .init(.equal(1))
        ).mean
      }.reduce(0, +) / Double(splits)
    }
    #expect(worst(jackknife.leftOut, expected).relative <= 1e-13)
    #expect(try jackknife.value == accumulator.score().mean)
  }

  // MARK: Pairs

  @Test func whatAPairHasInCommonCancels() throws {
    let values = (0..<20).map { 3 + 0.01 * Double($0 * 7 % 20) }
    let a = Jackknife(value: 3.1, leftOut: values, count: 400)
    let b = Jackknife(value: 2.6, leftOut: values.map { $0 - 0.5 }, count: 400)
    let difference = try Jackknife.pairedDifference(a, b)
    #expect(abs(difference.value - 0.5) <= 1e-15 && difference.standardError <= 1e-14)
    #expect(a.standardError > 0.1)
  }

  // MARK: Rejections

  @Test func rejections() throws {
    let a = Jackknife(value: 1, leftOut: [Double](repeating: 1, count: 20), count: 40)
    let b = Jackknife(value: 1, leftOut: [Double](repeating: 1, count: 20), count: 60)
    expectRejection("CountMismatch", naming: "40 and 60") { try Jackknife.pairedDifference(a, b) }
    let reference = try FactoredGaussian(statistics(mean: [0], covariance: [1]))
    expectRejection("TooFewSamples", naming: "39") {
      try jackknife(features(39, 1, seed: 1), 1, from: reference)
    }
    var (one, two) = try (GaussianAccumulator(dimension: 1), GaussianAccumulator(dimension: 2))
    try one.append(rows: [1, 2])
    try two.append(rows: [1, 2])
    expectRejection("DimensionMismatch") { try one.removing(two) }
    expectRejection("TooFewSamples") { try one.removing(one) }
    // The second block is one sample: without its group nothing is left of it.
    var score = try InceptionScoreAccumulator(
      classes: 2, count: 61, convention: .init(.blocks(of: 60)), isGrouped: true)
    for _ in 0..<61 { try score.append([0, 1]) }
    expectRejection("TooFewSamples", naming: "split 1") { try score.jackknife() }
  }

  private func jackknife(
    _ rows: [Float], _ dimension: Int, from reference: FactoredGaussian,
    mean: MeanPrecision = .float64
  ) throws -> Jackknife {
    var samples = try GaussianAccumulator(dimension: dimension)
    try samples.append(rows: rows)
    return try .ofDistance(1, of: samples, from: reference, mean: mean) {
      Array(rows[$0 * dimension..<($0 + 1) * dimension])
    }
  }
}
