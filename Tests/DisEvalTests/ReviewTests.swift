import Checkpoints
import Crypto
import DisEval
import FeatureExtractors
import Files
import Foundation
import Images
import References
import Results
import Runs
import Sampling
import Testing
import Work
import _TestSupport

/// A result of a small run, whose samples are known.
private struct ReviewedRun {
  let run: SmallRun
  let samples: [Image]
  var result: EvaluationResult

  init(count: Int) throws {
    let run = try SmallRun()
    samples = try (0..<count).map { try run.generator.image(run.generator.sample($0), index: $0) }
    result = try EvaluationResult(
      json: Array(MadeUpResult(["fid": MadeUpMetric(4, error: nil).json]).json.utf8), subject: "r")
    result.provenance.checkpoint = run.generator.checkpoint
    result.provenance.sampler = run.generator.provenance
    result.provenance.num = count
    result.provenance.extractor = ExtractorProvenance(name: "fake", sha256: "aa", dimension: 2)
    var digests = SampleDigests()
    for sample in samples { digests.append(Array(SHA256.hash(data: sample.pixels))) }
    result.sampleDigests = digests.text
    self.run = run
  }

  /// The result with the digest of one sample that no image has.
  mutating func forget(_ index: Int) throws {
    let text = try #require(result.sampleDigests)
    let at = text.index(text.startIndex, offsetBy: 4 * index)
    let end = text.index(at, offsetBy: 4)
    let other = text[at..<end] == "AAAA" ? "BBBB" : "AAAA"
    result.sampleDigests = text.replacingCharacters(in: at..<end, with: other)
  }

  func audit(_ count: Int) async throws -> SampleAudit {
    try await SampleAudit(
      of: result, count: count, source: .checkpoint(run.generator),
      workload: Workload(threads: 2, batch: 2), reporter: .silent)
  }

  func reviewer() -> Reviewer {
    Reviewer(
      of: result, source: .samples(.checkpoint(run.generator)),
      workload: Workload(threads: 2, batch: 2))
  }
}

@Suite("Audits") struct SampleAuditTests {
  @Test func samplesOfTheCheckpointAreTheSame() async throws {
    let reviewed = try ReviewedRun(count: 9)
    let audit = try await reviewed.audit(4)
    #expect(audit.indices.count == 4 && audit.indices == audit.indices.sorted())
    #expect(Set(audit.indices).isSubset(of: 0..<9) && audit.different.isEmpty)
    let again = try await reviewed.audit(4)
    #expect(again.indices == audit.indices)
    let more = try await reviewed.audit(6)
    #expect(Set(audit.indices).isSubset(of: more.indices))
    let all = try await reviewed.audit(100)
    #expect(all.indices == Array(0..<9) && all.different.isEmpty)
  }

  @Test(arguments: [0, 5, 8]) func aDifferentSampleIsFound(index: Int) async throws {
    var reviewed = try ReviewedRun(count: 9)
    try reviewed.forget(index)
    let audit = try await reviewed.audit(9)
    #expect(audit.different == [index])
    #expect(audit.recorded.tool == "dis-eval 0" && audit.recorded.kernels == "k")
    #expect(audit.recorded != audit.now)
  }

  /// Who changes a digest changes which samples are drawn, and cannot know which.
  @Test func theSelectionFollowsFromTheDigests() async throws {
    var reviewed = try ReviewedRun(count: 9)
    var selections: Set<[Int]> = [try await reviewed.audit(3).indices]
    for index in 0..<4 {
      try reviewed.forget(index)
      selections.insert(try await reviewed.audit(3).indices)
    }
    #expect(selections.count > 1)
  }

  @Test func theCheckOfAGateFollows() async throws {
    var reviewed = try ReviewedRun(count: 9)
    let same = try await reviewed.audit(9).check
    #expect(same.verdict == .pass && same.reason == "9 regenerated samples are identical")
    #expect(SampleAudit.undecided(reviewed.result) == nil)
    try reviewed.forget(5)
    // The made-up result is of a different version.
    let other = try await reviewed.audit(9).check
    #expect(other.verdict == .cannotSay && other.reason.contains("`kernels`"))
    #expect(other.reason.hasPrefix("1 of 9 regenerated samples differ, the first is 5; but"))
    let now = try await reviewed.audit(9).now
    (reviewed.result.provenance.tool, reviewed.result.provenance.kernels) = (now.tool, now.kernels)
    #expect(try await reviewed.audit(9).check.verdict == .worse)
    reviewed.result.sampleDigests = nil
    #expect(SampleAudit.undecided(reviewed.result)?.verdict == .cannotSay)
  }

  @Test(arguments: [0, -3]) func noSamplesAreNoAudit(count: Int) async throws {
    let reviewed = try ReviewedRun(count: 3)
    let failure = await #expect(throws: Failure.self) { _ = try await reviewed.audit(count) }
    #expect(failure?.code == .settingOutOfRange)
  }

  @Test func severalSeedsNeedACheckpointAndNoShard() async throws {
    let images = EvaluationRequest(images: "a", reference: "b")
    let samples = EvaluationRequest(sampling: "c.pt", SamplingSettings(), reference: "b")
    let all = EvaluationRequest(
      sampling: "c.pt", SamplingSettings(), reference: "b", dialect: .all)
    var shards = Execution(run: RunSettings(path: "r"))
    shards.run?.shard = try Shard(index: 0, count: 2)
    for (request, count, execution) in [
      (images, 2, Execution()), (samples, 1, Execution()), (samples, -1, Execution()),
      (samples, 3, shards), (all, 2, Execution()),
    ] {
      let failure = await #expect(throws: Failure.self) {
        _ = try await request.repeated(count, execution)
      }
      #expect(failure?.code == .settingOutOfRange)
    }
  }

  @Test func resultsWithoutDigestsAreRefused() async throws {
    var reviewed = try ReviewedRun(count: 3)
    for (text, code) in [
      (nil, Failure.Code.noSampleDigests), ("AAAA", .resultInvalid),
      ("A?==AAAAAAAA", .resultInvalid),
      ("", .resultInvalid),
    ] as [(String?, Failure.Code)] {
      reviewed.result.sampleDigests = text
      let case_ = reviewed
      let failure = await #expect(throws: Failure.self) { _ = try await case_.audit(1) }
      #expect(failure?.code == code && failure?.status == .dataRefused, "\(text ?? "nil")")
    }
  }
}

@Suite("Reviews") struct ReviewerTests {
  @Test func negativeNumbersOfImagesAreRefused() async throws {
    let reviewed = try ReviewedRun(count: 3)
    var (few, none) = (reviewed.reviewer(), reviewed.reviewer())
    (few.count, none.extremes) = (-1, -1)
    for reviewer in [few, none] {
      let failure = await #expect(throws: Failure.self) { _ = try await reviewer.review() }
      #expect(failure?.code == .settingOutOfRange)
    }
  }

  @Test func theFirstImagesAreShown() async throws {
    let reviewed = try ReviewedRun(count: 7)
    var reviewer = reviewed.reviewer()
    reviewer.count = 3
    let review = try await reviewer.review(reporter: .silent)
    #expect(review.items.map(\.index) == [0, 1, 2])
    #expect(review.items.map(\.image.pixels) == reviewed.samples.prefix(3).map(\.pixels))
    #expect(review.items.map(\.label) == (0..<3).map { reviewed.run.generator.label($0) })
    #expect(review.ranking == nil && !review.isReduced)
    #expect(review.unranked?.contains("`reference`") == true)
    #expect(review.identity == "Each of them has the SHA-256 that the result recorded.")
    reviewer.count = 100
    let all = try await reviewer.review(reporter: .silent)
    #expect(all.items.map(\.index) == Array(0..<7))
  }

  @Test func differentImagesAreCounted() async throws {
    var reviewed = try ReviewedRun(count: 5)
    try reviewed.forget(1)
    try reviewed.forget(4)
    let review = try await reviewed.reviewer().review(reporter: .silent)
    #expect(review.identity.hasPrefix("2 of 5 have"), "\(review.identity)")
  }

  /// The hash of all images together, where single ones were not recorded.
  @Test func imagesOfAFolderAreProvenTogether() async throws {
    let reviewed = try ReviewedRun(count: 5)
    let folder = reviewed.run.folder.path("images")
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    var hash = SHA256()
    for (index, sample) in reviewed.samples.enumerated() {
      try Data(PNG.encode(sample)).write(to: URL(fileURLWithPath: "\(folder)/\(index).png"))
      hash.update(data: SHA256.hash(data: sample.pixels).withUnsafeBytes(Array.init))
    }
    var result = reviewed.result
    result.sampleDigests = nil
    result.samplesSha256 = hash.finalize().map { String(format: "%02x", $0) }.joined()
    let images = try ImageSource(path: folder)
    func review(_ result: EvaluationResult, count: Int) async throws -> SampleReview {
      var reviewer = Reviewer(
        of: result, source: .images(images), workload: Workload(threads: 1, batch: 1))
      reviewer.count = count
      return try await reviewer.review(reporter: .silent)
    }
    let whole = try await review(result, count: 5)
    #expect(whole.identity == "Together they have the SHA-256 of the images that were scored.")
    let part = try await review(result, count: 4)
    #expect(part.identity.contains("not compared"))
    result.samplesSha256 = String(repeating: "0", count: 64)
    let other = try await review(result, count: 5)
    #expect(other.identity.hasPrefix("Their SHA-256 is not"))
    result.provenance.num = 6
    let wrong = result
    let failure = await #expect(throws: Failure.self) { _ = try await review(wrong, count: 5) }
    #expect(failure?.code == .otherImages)
  }

  /// The features of a sample are its first two bytes, and the rows of the reference are those of
  /// samples 2 and 5: they are nearest with a distance of 0.
  @Test func samplesAreRankedByTheRunsFeatures() async throws {
    var reviewed = try ReviewedRun(count: 8)
    try await reviewed.run.make(reviewed.run.open(8), count: 8)
    let features = reviewed.samples.map { $0.pixels.prefix(2).map(Float.init) }
    let path = reviewed.run.folder.path("reference.npz")
    let rows = [2, 5, 2, 5].map { features[$0] }
    try NPZ.write([("features", NPYArray(floats: rows.flatMap(\.self), shape: [4, 2]))], to: path)
    reviewed.result.provenance.reference.sha256 = try ReferenceStatistics(path: path).sha256
    var reviewer = reviewed.reviewer()
    (reviewer.count, reviewer.extremes) = (1, 2)
    (reviewer.run, reviewer.reference) = (reviewed.run.path, path)
    let review = try await reviewer.review(reporter: .silent)
    let ranking = try #require(review.ranking)
    #expect((ranking.count, ranking.referenceCount) == (8, 4))
    func distance(_ index: Int) -> Double {
      rows.map { row in
        zip(row, features[index]).reduce(0.0) {
          $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1)
        }.squareRoot()
      }.min() ?? .infinity
    }
    let order = (0..<8).sorted { (distance($0), $0) < (distance($1), $1) }
    #expect(ranking.best.map(\.item.index) == Array(order.prefix(2)))
    #expect(ranking.worst.map(\.item.index) == order.suffix(2).reversed())
    for ranked in ranking.best + ranking.worst {
      #expect(ranked.item.image.pixels == reviewed.samples[ranked.item.index].pixels)
      #expect(ranked.neighbors.count == 3 && ranked.neighbors.allSatisfy { $0.image == nil })
      let nearest = try #require(ranked.neighbors.first).distance
      // Two squares, their sum and a root, of numbers below 256 that are exact.
      #expect(abs(nearest - distance(ranked.item.index)) <= 1e-5 * 256)
    }
    #expect(
      review.identity == "Each of them has the SHA-256 that the run recorded when it was scored.")

    var foreign = reviewed.result
    foreign.provenance.extractor.sha256 = "bb"
    let reviewers = [
      foreign,
      {
        var r = reviewed.result; r.provenance.reference.sha256 = "c"; return r
      }(),
    ]
    .map { result in
      var other = Reviewer(of: result, source: reviewer.source, workload: reviewer.workload)
      (other.run, other.reference) = (reviewer.run, reviewer.reference)
      return other
    }
    for (other, code) in zip(reviewers, [Failure.Code.otherRun, .otherReference]) {
      let failure = await #expect(throws: Failure.self) {
        _ = try await other.review(reporter: .silent)
      }
      #expect(failure?.code == code, "\(failure.map(String.init(describing:)) ?? "nothing")")
    }
  }

  @Test func anUnfinishedRunIsRefused() async throws {
    let reviewed = try ReviewedRun(count: 4)
    _ = try await reviewed.run.open(4)
    var reviewer = reviewed.reviewer()
    reviewer.run = reviewed.run.path
    let asked = reviewer
    let failure = await #expect(throws: Failure.self) {
      _ = try await asked.review(reporter: .silent)
    }
    #expect(failure?.code == .runIncomplete)
  }
}
