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

  /// 128 dimensions: with 60 samples the rows are the factors.
  @Test("distance and score have one", arguments: [60, 160])
  func fields(count: Int) throws {
    for (name, metric) in try Self.metrics(Self.score(count, "--json")) {
      let value = try #require(metric["value"] as? Double)
      let interval = try #require(metric["interval"] as? [Double], "\(name)")
      #expect(interval.count == 2 && interval[0] < value && value < interval[1], "\(name)")
      #expect(metric["confidence"] as? Double == 0.95)
      #expect(metric["interval_method"] is String && metric["interval_reason"] == nil)
      #expect(metric["bias"] is Double)
      let jackknife = try #require(metric["jackknife"] as? [String: Any])
      let values = try #require(jackknife["values"] as? [Double])
      #expect(jackknife["groups"] as? Int == 20 && values.count == 20)
      // The interval follows from what the file says.
      let expected = Jackknife(value: value, leftOut: values, count: count)
      #expect(worst([expected.bias], [try #require(metric["bias"] as? Double)]).relative < 1e-9)
      let bounds = expected.positiveInterval
      #expect(worst(interval, [bounds.lowerBound, bounds.upperBound]).relative < 1e-12)
    }
    let people = try Self.score(count)
    #expect(people.output.contains(/fd +\d+\.\d+ \[\d+\.\d+, \d+\.\d+\]/), "\(people.output)")
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
      ["fid", "--ref", DisEvalProcess.statistics, "--json"] + Self.arguments(60),
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
    let (plain, guided) = try (result(60), result(60, "--cfg-scale", "1.02"))
    let difference = try guided.pairedDifference(of: "fd", from: plain)
    let values = try [guided, plain].map { try #require($0.metrics["fd"]) }
    #expect(difference.value == values[0].value - values[1].value)
    let single = Jackknife(
      value: values[0].value, leftOut: try #require(values[0].jackknife).values, count: 60)
    #expect(difference.standardError < single.standardError / 3, "what is common cancels")
    for (other, code) in [
      (try result(61), "CountMismatch"), (try result(60, "--no-intervals"), "NoInterval"),
    ] {
      let failure = #expect(throws: Failure.self) {
        try plain.pairedDifference(of: "fd", from: other)
      }
      #expect(failure?.code.rawValue == code && failure?.status.rawValue == 65)
    }
  }
}
