import Checkpoints
import DisEval
import Files
import Foundation
import GenerativeMetrics
import Results
import Testing
import _TestSupport

@Suite("Intervals", .blocking) struct IntervalTests {
  private static func arguments(_ count: Int, seed: Int = 0) -> [String] {
    [
      "--ckpt", DisEvalProcess.checkpoint, "--sampler", "dpm-solver++", "--steps", "3", "--num",
      "\(count)", "--seed", "\(seed)",
    ]
  }

  private static func score(
    _ count: Int, seed: Int = 0, _ more: String...
  ) throws -> DisEvalProcess {
    try DisEvalProcess(
      ["fid", "--ref", DisEvalProcess.statistics] + arguments(count, seed: seed) + more)
  }

  private static func metrics(_ run: DisEvalProcess) throws -> [String: [String: Any]] {
    #expect(run.status == 0, "\(run.errors)")
    return try #require(try run.json()["metrics"] as? [String: [String: Any]])
  }

  /// 128 dimensions: with 160 samples a distance has an interval, but is not debiased.
  @Test("distance and score have one", arguments: [160, 340])
  func fields(count: Int) throws {
    for (name, metric) in try Self.metrics(Self.score(count, "--json")) {
      let value = try #require(metric["value"] as? Double)
      let interval = try #require(metric["interval"] as? [Double], "\(name)")
      #expect(interval.count == 2 && interval[0] < value && value < interval[1], "\(name)")
      #expect(metric["confidence"] as? Double == 0.95)
      #expect(metric["interval_method"] is String && metric["interval_reason"] == nil)
      let bias = try #require(metric["bias"] as? Double)
      let jackknife = try #require(metric["jackknife"] as? [String: Any])
      let values = try #require(jackknife["values"] as? [Double])
      #expect(jackknife["groups"] as? Int == 20 && values.count == 20)
      // The intervals follow from what the file says.
      let halves = jackknife["halves"] as? [Double] ?? []
      #expect(halves.count == (name == "fd" && count > 256 ? 2 : 0))
      let expected = Jackknife(value: value, leftOut: values, count: count, halves: halves)
      #expect(worst([expected.bias], [bias]).relative < 1e-9)
      func agree(_ found: [Double], _ range: ClosedRange<Double>) {
        #expect(worst(found, [range.lowerBound, range.upperBound]).relative < 1e-12)
      }
      guard name == "fd" else {
        agree(interval, expected.positiveInterval)
        #expect(metric["debiased"] == nil && metric["influence"] == nil)
        continue
      }
      let summary = try Self.summary(of: metric)
      agree(interval, MetricEstimate(value, summary).interval())
      guard count > 320 else {
        #expect(metric["debiased"] == nil)
        let reason = try #require(metric["debiased_reason"] as? String)
        #expect(reason.hasPrefix("160 samples of 128 independent features"), "\(reason)")
        #expect(reason.hasSuffix("at least 320"), "\(reason)")
        continue
      }
      #expect(worst([value - bias], [try #require(metric["debiased"] as? Double)]).relative < 1e-9)
      agree(
        try #require(metric["debiased_interval"] as? [Double]),
        MetricEstimate(value, bias: bias, secondOrderBias: expected.secondOrderBias, summary)
          .interval())
    }
    let people = try Self.score(count)
    #expect(people.output.contains(/fd +\d+\.\d+ \[\d+\.\d+, \d+\.\d+\]/), "\(people.output)")
    #expect(people.output.contains(count > 320 ? "   debiased " : "(not debiased: 160 samples"))
  }

  private static func summary(of metric: [String: Any]) throws -> InfluenceSummary {
    let influence = try #require(metric["influence"] as? [String: Any])
    func number(_ key: String) throws -> Double {
      try #require((influence[key] as? NSNumber)?.doubleValue)
    }
    return try InfluenceSummary(
      standardError: number("standard_error"), acceleration: number("acceleration"),
      curvature: number("curvature"), degreesOfFreedom: number("degrees_of_freedom"))
  }

  /// With no more samples than features, rare images may not be among them at all.
  @Test func noMoreSamplesThanFeaturesHaveNone() throws {
    let metrics = try Self.metrics(Self.score(128, "--json"))
    #expect(metrics["fd"]?["interval"] is NSNull && metrics["cs"]?["interval"] is [Double])
    #expect(
      (metrics["fd"]?["interval_reason"] as? String)?.hasPrefix("128 images are not more") == true)
  }

  // MARK: Influences

  /// The file beside a result has the influences from which its summary follows, and the result names it by
  /// its hash.
  @Test func influencesStandBesideTheResult() throws {
    let folder = try TemporaryFolder()
    let out = folder.path("result.json")
    let metrics = try Self.metrics(Self.score(160, "--out", out, "--json"))
    let influence = try #require(metrics["fd"]?["influence"] as? [String: Any])
    let hash = try #require(influence["sha256"] as? String)
    let path = folder.path("influence-\(hash.prefix(16)).npy")
    #expect(try sha256(ofFile: path) == hash)
    let values = try NPYArray.read(path)
    #expect(values.shape == [160] && values.type == .float32)
    let squares = values.doubles().reduce(0) { $0 + $1 * $1 }
    #expect(
      worst(
        [squares.squareRoot() / 160], [try Self.summary(of: #require(metrics["fd"])).standardError]
      )
      .relative < 1e-6)
    // A result on standard output has no folder.
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.path("")).count == 2)
  }

  @Test(
    "a file that is not the result's is refused", arguments: ["changed", "cut", "long", "missing"])
  func otherInfluences(kind: String) throws {
    let folder = try TemporaryFolder()
    let out = folder.path("result.json")
    #expect(try Self.score(160, "--out", out).status == 0)
    let name = try #require(
      FileManager.default.contentsOfDirectory(atPath: folder.path("")).first {
        $0.hasPrefix("influence-")
      })
    let url = URL(fileURLWithPath: folder.path(name))
    var bytes = try Data(contentsOf: url)
    switch kind {
    case "changed": bytes[bytes.count - 1] ^= 1
    case "cut": bytes = bytes.dropLast(4)
    case "long": bytes.append(Data(count: 5000))
    default: break
    }
    try kind == "missing" ? FileManager.default.removeItem(at: url) : bytes.write(to: url)
    for verb in [["compare", out, out], ["gate", out, "--max", "fd=1000", "--plug-in"]] {
      let run = try DisEvalProcess(verb)
      guard kind == "missing" else {
        #expect(run.status == 65 && run.errors.contains("InfluenceInvalid"), "\(run.errors)")
        continue
      }
      #expect(run.status == 0, "\(run.errors)")
    }
  }

  /// Influences whose hash the result names, but which are not those that its standard error is from.
  @Test("values that contradict the result are refused", arguments: [Float.nan, 0, 100])
  func contradictingInfluences(factor: Float) throws {
    let folder = try TemporaryFolder()
    let out = folder.path("result.json")
    #expect(try Self.score(160, "--out", out).status == 0)
    var text = try String(contentsOfFile: out, encoding: .utf8)
    let metrics = try #require(
      (jsonObject(Data(text.utf8)) as? [String: Any])?["metrics"] as? [String: [String: Any]])
    let influence = try #require(metrics["fd"]?["influence"] as? [String: Any])
    let old = try #require(influence["sha256"] as? String)
    let values = try NPYArray.read(folder.path("influence-\(old.prefix(16)).npy")).floats()
    let changed = NPYArray(floats: values.map { $0 * factor }, shape: [values.count])
    try Data(changed.serialized()).write(to: URL(fileURLWithPath: folder.path("new.npy")))
    let new = try sha256(ofFile: folder.path("new.npy"))
    try FileManager.default.moveItem(
      atPath: folder.path("new.npy"), toPath: folder.path("influence-\(new.prefix(16)).npy"))
    text = text.replacing(old, with: new)
    try Data(text.utf8).write(to: URL(fileURLWithPath: out))
    let run = try DisEvalProcess("compare", out, out)
    #expect(run.status == 65 && run.errors.contains("InfluenceInvalid"), "\(run.errors)")
    #expect(run.errors.contains("one of the two was changed"))
  }

  /// There is no folder beside a pipe, and a folder may not take another file.
  @Test func aPipeHasNoInfluencesBesideIt() throws {
    let run = try Self.score(160, "--out", "/dev/stderr", "--quiet")
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.errors.contains("\"influence\"") && run.output.contains("fd "))
    let left = try FileManager.default.contentsOfDirectory(atPath: "/dev")
    #expect(!left.contains { $0.hasPrefix("influence-") })
  }

  /// The influences of images on their own distance are 0, and only their curvature is left.
  @Test func theImagesOfTheReferenceHaveAnInterval() throws {
    let folder = try TemporaryFolder()
    let (images, out) = (folder.path("images.npz"), folder.path("result.json"))
    let made = try DisEvalProcess(["sample", "--out", images, "--quiet"] + Self.arguments(340))
    #expect(made.status == 0, "\(made.errors)")
    let weights = DisEvalProcess.file("reference_stats/fashion-mnist-extractor.safetensors")
    let run = try DisEvalProcess(
      "fid", images, images, "--weights", weights, "--json", "--out", out)
    let metric = try #require(try Self.metrics(run)["fd"])
    let ends = try #require(metric["interval"] as? [Double])
    let value = try #require(metric["value"] as? Double)
    #expect(ends[0] <= value && value <= ends[1] && ends[1] < 10, "\(value) in \(ends)")
    // Its own reader accepts it.
    let gate = try DisEvalProcess("gate", out, "--max", "fd=100")
    #expect(gate.status == 0, "\(gate.output) \(gate.errors)")
  }

  @Test func pairsWithoutInfluencesAreComparedByGroups() throws {
    let folder = try TemporaryFolder()
    let (first, second) = (folder.path("a/first.json"), folder.path("b/second.json"))
    for (path, scale) in [(first, "1"), (second, "1.02")] {
      try FileManager.default.createDirectory(
        atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: false)
      #expect(try Self.score(340, "--cfg-scale", scale, "--out", path).status == 0)
    }
    func row() throws -> [String: Any] {
      let rows = try #require(
        DisEvalProcess("compare", first, second, "--json").json()["metrics"] as? [[String: Any]])
      return try #require(rows.first { $0["metric"] as? String == "fd" })
    }
    let whole = try row()
    #expect(whole["method"] as? String == "influences" && whole["debiased"] as? Bool == true)
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path("b"))
    for name in names where name.hasPrefix("influence-") {
      try FileManager.default.removeItem(atPath: folder.path("b/" + name))
    }
    let groups = try row()
    #expect(groups["method"] as? String == "groups")
    #expect(
      groups["method_reason"] as? String
        == "influence-….npy is not beside the second result")
    let differences = try [groups, whole].map { try #require($0["difference"] as? Double) }
    #expect(abs(differences[0] - differences[1]) <= 1e-12 * abs(differences[1]))
  }

  @Test func withoutThemTheValuesAreTheSame() throws {
    let (with, without) = try (
      Self.metrics(Self.score(60, "--json")),
      Self.metrics(Self.score(60, "--json", "--no-intervals"))
    )
    for (name, metric) in without {
      #expect(metric["interval"] is NSNull && metric["jackknife"] == nil)
      #expect((metric["interval_reason"] as? String)?.contains("not asked for") == true)
      #expect(metric["value"] as? Double == with[name]?["value"] as? Double)
    }
  }

  @Test func fewSamplesHaveNone() throws {
    for (_, metric) in try Self.metrics(Self.score(39, "--json")) {
      #expect(metric["interval"] is NSNull)
      #expect((metric["interval_reason"] as? String)?.contains("at least 40") == true)
    }
  }

  /// An evaluation of hours is not lost for want of a folder.
  @Test func featuresThatCannotBeKeptHaveNone() throws {
    let run = try DisEvalProcess(
      ["fid", "--ref", DisEvalProcess.statistics, "--json"] + Self.arguments(160),
      environment: ["TMPDIR": "/proc/none"])
    let metrics = try Self.metrics(run)
    #expect(metrics["fd"]?["interval"] is NSNull && metrics["cs"]?["interval"] is [Double])
    #expect((metrics["fd"]?["interval_reason"] as? String)?.contains("'/proc/none") == true)
  }

  @Test func everyDialectAtOnceHasNone() throws {
    let run = try Self.score(60, "--json", "--dialect", "all")
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.output.contains("ask for one"))
    #expect(!run.output.contains("jackknife"))
  }

  @Test func statisticsHaveNone() throws {
    let run = try DisEvalProcess(
      "fid", "--images", DisEvalProcess.statistics, "--ref", DisEvalProcess.statistics, "--json")
    let metric = try #require(try Self.metrics(run)["fd"])
    #expect((metric["interval_reason"] as? String)?.contains("needs images") == true)
  }

  /// A run that was begun without them is merged without them.
  @Test func aRunRemembers() throws {
    let folder = try TemporaryFolder()
    let direct = try Self.score(60, "--json", "--no-intervals", "--run", folder.path("run"))
    let merged = try DisEvalProcess("merge", folder.path("run"), "--json")
    #expect(try canonical(Self.metrics(direct)) == canonical(Self.metrics(merged)))
  }

  @Test func resultsOfCommonSamplesArePaired() throws {
    func result(_ count: Int, _ more: String...) throws -> EvaluationResult {
      let run = try DisEvalProcess(
        ["fid", "--ref", DisEvalProcess.statistics, "--json"] + Self.arguments(count) + more)
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      return try decoder.decode(EvaluationResult.self, from: Data(run.output.utf8))
    }
    let (plain, guided) = try (result(160), result(160, "--cfg-scale", "1.02"))
    let difference = try guided.pairedDifference(of: "fd", from: plain)
    let values = try [guided, plain].map { try #require($0.metrics["fd"]) }
    #expect(difference.value == values[0].value - values[1].value)
    let single = Jackknife(
      value: values[0].value, leftOut: try #require(values[0].jackknife).values, count: 160)
    #expect(difference.standardError < single.standardError / 3, "what is common cancels")
    for (other, code) in [
      (try result(161), "CountMismatch"), (try result(160, "--no-intervals"), "NoInterval"),
    ] {
      let failure = #expect(throws: Failure.self) {
        try plain.pairedDifference(of: "fd", from: other)
      }
      #expect(failure?.code.rawValue == code && failure?.status.rawValue == 65)
    }
  }
}
