import Checkpoints
import DisEval
import Files
import Foundation
import Results
import Testing
import Work
import _TestSupport

/// Which statistics are compared with which, and what is said of it.
@Suite struct CompatibilityTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Statistics of four dimensions: mean `shift` everywhere, the identity as covariance.
  ///
  /// - Parameter record: Changes the record beside them; nil for none.
  private func statistics(
    _ name: String, shift: Double = 0, dimension: Int = 4,
    change: (inout [String: Any]) -> Void = { _ in }, hasRecord: Bool = true
  ) throws -> String {
    let path = folder.path("\(name).npz")
    let identity = (0..<dimension * dimension).map { $0 % (dimension + 1) == 0 ? 1.0 : 0 }
    try NPZ.write(
      [
        (
          "mu",
          NPYArray(
            doubles: [Double](repeating: shift, count: dimension), shape: [dimension])
        ),
        ("sigma", NPYArray(doubles: identity, shape: [dimension, dimension])),
      ], to: path)
    guard hasRecord else { return path }
    var record: [String: Any] = [
      "schema": "dis-eval-statistics/1", "count": 5000, "dialect": "tf", "ddof": 1, "features": 0,
      "extractor": [
        "name": "inception-2015", "sha256": "aa", "published": false, "dimension": dimension,
      ] as [String: Any],
      "npz_sha256": try sha256(ofFile: path), "tool": "test",
    ]
    change(&record)
    try JSONSerialization.data(withJSONObject: record).write(
      to: URL(fileURLWithPath: folder.path("\(name).json")))
    return path
  }

  private func evaluate(
    _ subject: String, _ reference: String, _ change: (inout EvaluationRequest) -> Void = { _ in }
  ) async throws -> EvaluationResult {
    var request = EvaluationRequest(subject: .images(subject), reference: reference)
    change(&request)
    let execution = Execution(workload: Workload(threads: 1, batch: 1))
    return try await request.prepare(execution, reporter: .silent).run()
  }

  private func refusal(
    _ subject: String, _ reference: String, _ change: (inout EvaluationRequest) -> Void = { _ in }
  ) async throws -> Failure {
    do {
      _ = try await evaluate(subject, reference, change)
    } catch let failure as Failure {
      #expect(failure.status == .dataRefused)
      return failure
    }
    Issue.record("nothing was refused")
    return Failure(.dataRefused, .notFound, "", "")
  }

  @Test func theSameDialectIsCompared() async throws {
    let result = try await evaluate(statistics("a", shift: 1), statistics("b"))
    #expect(abs(try #require(result.metrics["fid"]?.value) - 4) <= 1e-12)
    #expect(result.provenance.dialect == "tf" && result.provenance.reference.dialect == "tf")
    #expect(result.provenance.allowedMismatches == nil)
    #expect(result.skipped["is"] != nil)
  }

  @Test("dialects that prepare images alike are compared", arguments: ["edm", "torch-fidelity"])
  func alike(dialect: String) async throws {
    let a = try statistics("a", shift: 1) { $0["dialect"] = dialect }
    let result = try await evaluate(a, statistics("b"))
    #expect(result.provenance.dialect == dialect && result.provenance.reference.dialect == "tf")
  }

  @Test("other dialects are refused with what to do", arguments: ["pytorch-fid", "clean"])
  func otherDialects(dialect: String) async throws {
    let a = try statistics("a", shift: 1) { $0["dialect"] = dialect }
    let b = try statistics("b")
    let failure = try await refusal(a, b)
    #expect(failure.code == .dialectMismatch && failure.detail.contains("`dialect` tf"))
    #expect(failure.detail.contains("`referenceDialect` tf") && failure.detail.contains(dialect))
    let contradiction = try await refusal(a, b) { $0.referenceDialect = "edm" }
    #expect(contradiction.code == .dialectMismatch && contradiction.detail.contains("known to be"))

    for result in [
      try await evaluate(a, b) { $0.referenceDialect = "tf" },
      try await evaluate(a, b) { $0.allowsMismatch = true },
    ] {
      #expect(result.metrics["fid"] != nil)
      #expect(result.provenance.allowedMismatches?.count == 1)
      #expect(!result.provenance.warnings.isEmpty)
    }
  }

  @Test func allDialectsAreThoseThatFit() async throws {
    let result = try await evaluate(statistics("a", shift: 1), statistics("b")) {
      $0.dialect = "all"
    }
    #expect(
      Set(try #require(result.dialects).keys)
        == ["tf", "torch-fidelity", "clean-legacy-tensorflow", "edm"])
  }

  @Test func anotherDimensionIsNeverCompared() async throws {
    let (a, b) = (try statistics("a"), try statistics("b", dimension: 5))
    for allows in [false, true] {
      let failure = try await refusal(a, b) { $0.allowsMismatch = allows }
      #expect(failure.code == .dimensionMismatch)
    }
  }

  @Test func anotherDivisorIsRefused() async throws {
    let b = try statistics("b") { $0["ddof"] = 0 }
    let failure = try await refusal(statistics("a"), b)
    #expect(failure.code == .ddofMismatch && failure.detail.contains("stats convert"))
    let result = try await evaluate(statistics("c"), b) { $0.allowsMismatch = true }
    #expect(result.provenance.allowedMismatches?.first?.hasPrefix("DdofMismatch") == true)
  }

  @Test func anotherExtractorIsRefused() async throws {
    func extractor(
      _ sha256: Any?, _ published: Any?, tensors: Any? = nil
    ) -> (inout [String: Any]) -> Void {
      {
        var extractor: [String: Any] = ["name": "inception-2015", "dimension": 4]
        extractor["sha256"] = sha256
        extractor["published"] = published
        extractor["tensors_sha256"] = tensors
        $0["extractor"] = extractor
      }
    }
    let b = try statistics("b")
    let other = try statistics("other", change: extractor("bb", false))
    #expect(try await refusal(other, b).code == .extractorMismatch)
    let published = try statistics("published", change: extractor("cc", true))
    #expect(try await refusal(published, b).code == .extractorMismatch)
    // Two published files of the same network, such as the .pth and the .pb.
    let both = try await evaluate(
      statistics("both", change: extractor("dd", true)), published)
    #expect(both.metrics["fid"] != nil)
    // The same weights in two file formats.
    let formats = try await evaluate(
      statistics("pth", change: extractor("ee", false, tensors: "tt")),
      statistics("pb", change: extractor("ff", false, tensors: "tt")))
    #expect(formats.metrics["fid"] != nil)
    // Nobody can tell: compared, with a warning.
    let unknown = try await evaluate(statistics("unknown", change: extractor(nil, nil)), b)
    #expect(
      unknown.provenance.warnings.contains { $0.contains("whether they are the same is unknown") })
  }

  @Test func anotherResolutionIsRefused() async throws {
    let a = try statistics("a") { $0["resolution"] = 256 }
    let b = try statistics("b") { $0["resolution"] = 64 }
    #expect(try await refusal(a, b).code == .resolutionMismatch)
    let result = try await evaluate(a, b) { $0.allowsMismatch = true }
    #expect(result.provenance.allowedMismatches?.count == 1)
    #expect(result.provenance.reference.resolution == 64)
  }

  @Test func statisticsWithoutARecordAreComparedWithAWarning() async throws {
    let result = try await evaluate(
      statistics("a", shift: 1, hasRecord: false), statistics("b", hasRecord: false))
    #expect(result.metrics.keys.sorted() == ["fd"])
    #expect(result.provenance.extractor.name == "unknown")
    #expect(result.provenance.reference.dialect == nil)
    #expect(result.provenance.warnings.contains { $0.contains("does not say its dialect") })
  }

  @Test("a metric asked for by name that statistics cannot give is refused")
  func metricsByName() async throws {
    let (a, b) = (try statistics("a"), try statistics("b"))
    for (metric, part) in [
      (MetricName.sfid, "mu_s"), (.kid, "feature rows"), (.inceptionScore, "needs images"),
    ] {
      let failure = try await refusal(a, b) { $0.metrics = ["fid", metric.rawValue] }
      #expect(failure.code == .metricUnavailable && failure.detail.contains(part))
    }
    let result = try await evaluate(a, b) {
      $0.optionalMetrics = MetricName.allCases.map(\.rawValue)
    }
    #expect(
      Set(result.skipped.keys) == [
        "sfid", "is", "kid", "precision", "recall", "mmd_rbf", "vendi", "total_variance",
        "mind", "authpct", "class_chi2", "mifid", "mifid_generated", "duplicates", "class_kid",
      ])
  }

  @Test func theNumberOfImagesIsCheckedWhenItIsSaid() async throws {
    let (a, b) = (try statistics("a"), try statistics("b"))
    let failure = try await refusal(a, b) { $0.num = 50_000 }
    #expect(failure.code == .countMismatch && failure.detail.contains("5000"))
    #expect(try await evaluate(a, b) { $0.num = 5000 }.metrics["fid"] != nil)
  }
}
