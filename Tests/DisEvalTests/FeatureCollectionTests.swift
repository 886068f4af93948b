import DisEval
import FeatureExtractors
import Features
import Files
import GenerativeMetrics
import Images
import Results
import Testing
import Work

@Suite("Collecting features") struct FeatureCollectionTests {
  /// The four corners of a square: mean (1, 1), and 4/3 on the diagonal of the covariance.
  private static let square: [[UInt8]] = [[0, 0], [2, 0], [0, 2], [2, 2]]

  @Test func meanAndCovarianceByHand() async throws {
    let collection = try await collected(Self.square)
    let features = try #require(collection.prepared[.pytorch])
    let gaussian = try features.pooled.gaussian.statistics(mean: .float64)
    #expect(gaussian.mean == [1, 1])
    let expected = [4.0 / 3, 0, 0, 4.0 / 3]
    // Sums of integers are exact; the division rounds once.
    #expect(gaussian.covariance == expected)
    #expect(collection.count == 4 && features.spatial == nil)
  }

  @Test func theHashIsThatOfTheHashes() async throws {
    let collection = try await collected(Self.square)
    // From `printf '\0\0' | sha256sum` and the like, and sha256sum of those bytes together.
    #expect(
      collection.sha256 == "44d7b2e895e4e1b995c13ca0e8eb58a01b1e669e686fbd9594a656a825ac3ff8")
    #expect(collection.digests.text == "lqKWmb5e/PCmUM/3")
  }

  @Test(
    "workers, batch and images taken together change nothing",
    arguments: [(1, 1, 1), (2, 2, 1), (3, 7, 2), (2, 64, 5), (8, 8, 100)])
  func work(threads: Int, batch: Int, together: Int) async throws {
    let values: [[UInt8]] = (0..<37).map { (i: Int) in [UInt8(i * 7 % 256), UInt8(i * 31 % 256)] }
    var demand = FeatureDemand(preparation: .pytorch)
    demand.keptRows = 20
    var order: [Int?] = []
    let expected = try await collected(values, demand: demand)
    let found = try await collected(
      values, threads: threads, batch: batch, together: together, demand: demand
    ) { order.append($0.label) }
    #expect(order == (0..<37).map { $0 % 3 })
    #expect(found.sha256 == expected.sha256 && found.digests.text == expected.digests.text)
    let (a, b) = try (
      #require(found.prepared[.pytorch]?.pooled), #require(expected.prepared[.pytorch]?.pooled)
    )
    #expect(a.rows == b.rows && a.rows.count == 40)
    let (mean, other) = try (
      a.gaussian.statistics(mean: .float32), b.gaussian.statistics(mean: .float32)
    )
    #expect(mean.mean == other.mean && mean.covariance == other.covariance)
  }

  @Test func anImageThatCannotBeMadeEndsTheWork() async throws {
    let collector = FeatureCollector(
      extractor: FakeExtractor(), demands: [FeatureDemand(preparation: .pytorch)],
      workload: Workload(threads: 2, batch: 4), reporter: .silent)
    let image = twoPixelImages([[1, 2]])[0]
    let failure = await #expect(throws: Failure.self) {
      try await collector.collect(
        ImageSupply(count: 9, activity: "test") { index in
          guard index != 5 else { throw Failure(.dataRefused, .notImages, "5", "broken") }
          return (image, nil)
        })
    }
    #expect(failure?.subject == "5")
    // So does one that the caller cannot take.
    let refused = await #expect(throws: Failure.self) {
      _ = try await collected(Self.square) { _ in
        throw Failure(.cannotCreate, .notEmpty, "sink", "full")
      }
    }
    #expect(refused?.subject == "sink")
  }
}

@Suite("Metrics of two sides") struct MetricComputationTests {
  private static let square: [[UInt8]] = [[0, 0], [2, 0], [0, 2], [2, 2]]

  private func computation(
    _ subject: [[UInt8]], _ reference: [[UInt8]], wanted: Set<MetricName>,
    intervals: IntervalChoice = .omitted(reason: "a test"), isInception: Bool = false
  ) async throws -> MetricComputation {
    var demand = FeatureDemand(preparation: .pytorch)
    demand.keptRows = .max
    demand.scores = [Dialect.pytorchFID.definition.score.definition]
    demand.intervals = intervals == .computed
    return MetricComputation(
      .images(try await collected(subject, demand: demand)),
      against: .images(try await collected(reference, demand: demand)),
      extractor: FakeExtractor(), extractorName: isInception ? MetricTitle.inception : "fake",
      wanted: wanted, intervals: intervals,
      reporter: .silent)
  }

  /// Of equal covariances only the means count: (3, 4) apart is 25.
  @Test func aShiftedSquare() async throws {
    let shifted = Self.square.map { [$0[0] + 3, $0[1] + 4] }
    for (isInception, name) in [(false, "fd"), (true, "fid")] {
      var computation = try await computation(
        shifted, Self.square, wanted: [.fid], isInception: isInception)
      let result = try computation.result(.pytorchFID, reference: .pytorchFID)
      let metric = try #require(result.metrics[name])
      // 2 x 2 matrices of size 1: the root is off by a few units of rounding of the traces, 16/3.
      #expect(abs(metric.value - 25) <= 64 * 16 / 3 * Double.ulpOfOne)
      #expect(metric.interval == nil && metric.intervalReason == "a test")
      #expect(Set(result.metrics.keys) == [name] && result.skipped.isEmpty)
    }
  }

  /// A square twice as large about the same centre: the roots of the variances differ by √(4/3), twice.
  @Test func aLargerSquare() async throws {
    let larger: [[UInt8]] = [[0, 0], [4, 0], [0, 4], [4, 4]]
    let centred = Self.square.map { [$0[0] + 1, $0[1] + 1] }
    var computation = try await computation(larger, centred, wanted: [.fid])
    let result = try computation.result(.pytorchFID, reference: .pytorchFID)
    let expected = 2 * (4.0 / 3)
    #expect(
      abs(try #require(result.metrics["fd"]?.value) - expected) <= 64 * 40 / 3 * Double.ulpOfOne)
  }

  @Test func whatCannotBeComputedSaysWhy() async throws {
    var computation = try await computation(
      Self.square, Self.square, wanted: Set(MetricName.allCases))
    let result = try computation.result(.torchFidelity, reference: .torchFidelity)
    #expect(result.skipped["sfid"]?.contains("positions") == true)
    // torch-fidelity takes subsets of 1,000 images, and this square has four.
    #expect(result.skipped["kid"]?.contains("torch-fidelity") == true, "\(result.skipped)")
    #expect(Set(result.metrics.keys).union(result.skipped.keys).isSuperset(of: ["fd", "cs"]))
  }

  @Test func intervalsNeedEnoughImages() async throws {
    var few = try await computation(Self.square, Self.square, wanted: [.fid], intervals: .computed)
    let metric = try #require(
      try few.result(.pytorchFID, reference: .pytorchFID).metrics["fd"])
    #expect(metric.interval == nil && metric.intervalReason != nil)
    let many: [[UInt8]] = (0..<120).map { (i: Int) in [UInt8(i * 37 % 101), UInt8(i * 53 % 97)] }
    let others: [[UInt8]] = (0..<120).map { (i: Int) in
      [UInt8(i * 29 % 89 + 20), UInt8(i * 61 % 103)]
    }
    var enough = try await computation(many, others, wanted: [.fid], intervals: .computed)
    let found = try #require(
      try enough.result(.pytorchFID, reference: .pytorchFID).metrics["fd"])
    let interval = try #require(found.interval)
    #expect(interval.contains(found.value) && interval.lowerBound < interval.upperBound)
    #expect(found.intervalReason == nil)
  }
}
