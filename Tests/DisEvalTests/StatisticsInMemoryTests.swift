import DisEval
import Files
import Foundation
import GenerativeMetrics
import References
import Results
import Testing
import _TestSupport

@Suite("Statistics in memory") struct StatisticsInMemoryTests {
  private static let extractor = LoadedExtractor(
    FakeExtractor(), sha256: String(repeating: "a", count: 64))
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func rows(_ count: Int, seed: UInt64 = 1) throws -> FeatureRows {
    var generator = SeededGenerator(seed: seed)
    return try FeatureRows(generator.floats(2 * count), dimension: 2)
  }

  /// The corners of a square of side 2: the mean is its centre, the variance 4/3.
  @Test func rowsByHand() throws {
    let made = try ReferenceStatistics(
      rows: FeatureRows([0, 0, 2, 0, 0, 2, 2, 2], dimension: 2), extractor: Self.extractor,
      dialect: .pytorchFID, name: "square")
    #expect(made.gaussian.mean == [1, 1] && made.count == 4 && made.ddof == 1)
    #expect(made.gaussian.covariance == [4.0 / 3, 0, 0, 4.0 / 3])
    #expect(made.path == "square" && made.dialect == .pytorchFID && made.isInMemory)
  }

  @Test func whatIsWrittenIsReadBack() throws {
    let rows = try rows(50)
    var made = try ReferenceStatistics(
      rows: rows, extractor: Self.extractor, dialect: .tensorFlow,
      dataset: Dataset(name: "squares", split: "train"), resolution: 32, name: "m")
    for name in ["rows.npz", "gaussian.npz"] {
      let path = folder.path(name)
      let record = try made.write(to: path)
      let read = try ReferenceStatistics(path: path)
      #expect(read.sha256 == made.sha256 && record.npzSha256 == read.sha256)
      #expect(try sha256(ofFile: path) == made.sha256)
      #expect(read.gaussian.mean == made.gaussian.mean)
      #expect(read.gaussian.covariance == made.gaussian.covariance)
      #expect(try read.featureRows() == made.featureRows())
      #expect(read.dialect == .tensorFlow && read.resolution == 32 && read.count == 50)
      #expect(read.record?.extractor.sha256 == Self.extractor.provenance.sha256)
      #expect(read.record?.dataset == made.record?.dataset)
      // Without rows.
      made = try ReferenceStatistics(
        made.gaussian, spatial: made.gaussian, extractor: Self.extractor, dialect: .tensorFlow,
        dataset: made.record?.dataset, resolution: 32, name: "m")
    }
    let again = #expect(throws: Failure.self) {
      try ReferenceStatistics(path: folder.path("rows.npz")).write(to: folder.path("again.npz"))
    }
    #expect(again?.code == .invalidOutput)
  }

  /// Statistics in memory, the same statistics in a file, and their rows give the same numbers.
  @Test func resultsAreThoseOfTheFile() async throws {
    let reference = try ReferenceStatistics(
      rows: rows(80, seed: 2), extractor: Self.extractor, dialect: .pytorchFID, name: "reference")
    let path = folder.path("reference.npz")
    try reference.write(to: path)
    let subject = try ReferenceStatistics(
      rows: rows(60), extractor: Self.extractor, dialect: .pytorchFID, name: "subject")
    let metrics: Set<MetricName> = [.fid, .precision, .recall, .inceptionScore]
    let results = try await [
      subject.result(against: .statistics(reference), metrics: metrics),
      subject.result(against: .path(path), metrics: metrics),
      subject.result(
        against: .statistics(ReferenceStatistics(path: path)), metrics: metrics),
    ]
    for result in results {
      #expect(result.run.request == nil && result.metrics[.fid]?.interval != nil)
      #expect(result.metrics["precision"] != nil && result.skipped["cs"] != nil)
      #expect(result.provenance.reference.sha256 == reference.sha256)
      #expect(result.metrics[.fid]?.value == results[0].metrics[.fid]?.value)
      #expect(result.metrics[.recall]?.value == results[0].metrics[.recall]?.value)
    }
    let expected = try frechetDistance(between: subject.gaussian, and: reference.gaussian)
    #expect(results[0].metrics[.fid]?.value == expected.value)
    #expect(results[0].provenance.reference.file == "reference")

    var images = try ImageAccumulator(extractor: Self.extractor)
    try await images.append(contentsOf: twoPixelImages([[1, 2], [3, 4], [9, 7]]))
    let scored = try await images.result(against: .statistics(reference))
    #expect(scored.provenance.reference.sha256 == reference.sha256)
  }

  @Test func dialectsAreMixedOnlyOnPurpose() async throws {
    let subject = try ReferenceStatistics(
      rows: rows(60), extractor: Self.extractor, dialect: .pytorchFID, name: "subject")
    let reference = try ReferenceStatistics(
      rows: rows(80, seed: 2), extractor: Self.extractor, dialect: .tensorFlow, name: "reference")
    let failure = await #expect(throws: Failure.self) {
      try await subject.result(against: .statistics(reference))
    }
    #expect(failure?.code == .dialectMismatch)
    let mixed = try await subject.result(
      against: .statistics(reference), referenceDialect: .tensorFlow)
    #expect(mixed.metrics[.fid] != nil && mixed.provenance.reference.dialect == "tf")
  }

  @Test func whatDoesNotFitIsRefused() throws {
    let (one, two) = (
      try GaussianStatistics(count: 9, mean: [0], covariance: [1]),
      try GaussianStatistics(count: 9, mean: [0, 0], covariance: [1, 0, 0, 1])
    )
    let indefinite = try GaussianStatistics(count: 9, mean: [0, 0], covariance: [1, 2, 2, 1])
    let unknown = try GaussianStatistics(count: nil, mean: [0, 0], covariance: [1, 0, 0, 1])
    func make(
      _ gaussian: GaussianStatistics, rows: FeatureRows? = nil, resolution: Int? = nil
    ) throws -> ReferenceStatistics {
      try ReferenceStatistics(
        gaussian, rows: rows, extractor: Self.extractor, dialect: .pytorchFID,
        resolution: resolution, name: "m")
    }
    for (code, body) in [
      (.dimensionMismatch, { try make(one) }),
      (.dimensionMismatch, { try make(two, rows: FeatureRows([1], dimension: 1)) }),
      (.statsInvalid, { try make(indefinite) }), (.statsInvalid, { try make(unknown) }),
      (.statsInvalid, { try make(two, rows: rows(10)) }),
      (.statsInvalid, { try make(two, resolution: 0) }),
      (
        .statsInvalid,
        {
          try ReferenceStatistics(
            rows: rows(1), extractor: Self.extractor, dialect: .pytorchFID, name: "m")
        }
      ),
    ] as [(Failure.Code, () throws -> ReferenceStatistics)] {
      let failure = #expect(throws: Failure.self) { _ = try body() }
      #expect(failure?.code == code, "\(failure?.description ?? "")")
    }
    let suffix = #expect(throws: Failure.self) { try make(two).write(to: folder.path("m.pkl")) }
    #expect(suffix?.code == .invalidOutput)
  }
}
