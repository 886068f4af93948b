import Foundation
import GenerativeMetrics
import Reporting
import Results
import Testing
import _TestSupport

/// `dis-eval compare` of two results.
@Suite("compare", .blocking) struct CompareCommandTests {
  private let folder: TemporaryFolder
  private let result: String

  init() throws {
    folder = try TemporaryFolder()
    result = folder.path("result.json")
    try evaluate(result)
  }

  private func evaluate(_ path: String, _ more: String...) throws {
    let run = try DisEvalProcess(
      [
        "fid", "--ckpt", DisEvalProcess.checkpoint, "--ref", DisEvalProcess.statistics, "--num",
        "340",
        "--steps", "4", "--sampler", "dpm-solver++", "--out", path,
      ] + more)
    #expect(run.status == 0, "\(run.errors)")
  }

  private func compare(_ arguments: String..., status: Int32 = 0) throws -> DisEvalProcess {
    let run = try DisEvalProcess(["compare"] + arguments)
    #expect(run.status == status, "\(run.output) \(run.errors)")
    return run
  }

  /// The result with other values at places with dots.
  private func edited(_ name: String, _ changes: [String: Any?]) throws -> String {
    func set(_ value: Any?, at path: ArraySlice<String>, in object: [String: Any]) -> [String: Any]
    {
      var object = object
      guard let key = path.first else { return object }
      object[key] =
        path.count == 1
        ? value : set(value, at: path.dropFirst(), in: object[key] as? [String: Any] ?? [:])
      return object
    }
    var document = try #require(
      jsonObject(Data(contentsOf: URL(fileURLWithPath: result)))
        as? [String: Any])
    for (path, value) in changes {
      document = set(value, at: path.split(separator: ".").map(String.init)[...], in: document)
    }
    try JSONSerialization.data(withJSONObject: document)
      .write(to: URL(fileURLWithPath: folder.path(name)))
    return folder.path(name)
  }

  private func row(_ run: DisEvalProcess, _ metric: String = "fd") throws -> [String: Any] {
    let rows = try #require(run.json()["metrics"] as? [[String: Any]])
    return try #require(rows.first { $0["metric"] as? String == metric })
  }

  /// By hand: groups that are 0.1 above and below in turn have a standard error of √0.19. Two such errors have
  /// 38 degrees of freedom, and Student's t is 2.024394 at 0.975.
  @Test func byHand() throws {
    func document(_ name: String, _ value: Double, seed: Int) throws -> String {
      let leftOut = (0..<20).map { value + ($0 % 2 == 0 ? 0.1 : -0.1) }
      return try edited(
        name,
        [
          "metrics.cs.value": value, "metrics.cs.jackknife.values": leftOut,
          "metrics.cs.interval": NSNull(), "metrics.cs.bias": nil, "metrics.cs.debiased": nil,
          "metrics.cs.debiased_interval": nil, "metrics.fd": nil, "provenance.num": 40,
          "sample_digests": nil, "provenance.sampler.seed": seed,
        ])
    }
    let first = try document("a.json", 10, seed: 0)
    let paired = try compare(first, document("b.json", 12, seed: 0), "--json")
    #expect(try paired.json()["paired"] as? Bool == true)
    #expect(try row(paired, "cs")["difference"] as? Double == 2)
    let exact = try #require(row(paired, "cs")["interval"] as? [Double])
    #expect(exact.allSatisfy { abs($0 - 2) < 1e-6 }, "all that varies is common: \(exact)")

    let unpaired = try compare(first, document("c.json", 12, seed: 1), "--json")
    #expect(try unpaired.json()["paired"] as? Bool == false)
    let ends = try #require(row(unpaired, "cs")["interval"] as? [Double])
    let margin = 2.024394 * (2 * 0.19).squareRoot()
    #expect(abs(ends[0] - (2 - margin)) < 1e-5 && abs(ends[1] - (2 + margin)) < 1e-5, "\(ends)")
    #expect(try compare(first, folder.path("c.json")).output.contains("sampler.seed: 0, then 1"))
    #expect(try compare(first, folder.path("b.json")).output.contains("better"))
    #expect(try compare(folder.path("b.json"), first).output.contains("worse"))
  }

  /// 347 samples are not a multiple of 20: groups of 17 and of 18.
  @Test(arguments: ["0", "7"]) func theGateHasTheSameStandardError(seed: String) throws {
    let (first, second) = (folder.path("first.json"), folder.path("second.json"))
    for (path, seed, scale) in [(first, "0", "1"), (second, seed, "1.05")] {
      let run = try DisEvalProcess(
        "fid", "--ckpt", DisEvalProcess.checkpoint, "--ref", DisEvalProcess.statistics, "--num",
        "347",
        "--steps", "2", "--sampler", "dpm-solver++", "--seed", seed, "--cfg-scale", scale, "--out",
        path)
      #expect(run.status == 0, "\(run.errors)")
    }
    // Guidance is a condition of the gate.
    let text = try String(contentsOfFile: second, encoding: .utf8)
    try text.replacingOccurrences(of: "\"cfg_scale\" : 1.05", with: "\"cfg_scale\" : 1")
      .write(toFile: second, atomically: true, encoding: .utf8)
    let compared = try compare(first, second, "--json")
    let gate = try DisEvalProcess("gate", second, "--baseline", first, "--json").json()
    let checks = try #require(gate["checks"] as? [[String: Any]])
    for metric in ["cs", "fd"] {
      let row = try row(compared, metric)
      let check = try #require(checks.first { $0["metric"] as? String == metric })
      let test = try #require(check["comparison"] as? [String: Any])
      let error = try #require(row["standard_error"] as? Double)
      #expect(error > 0 && test["standard_error"] as? Double == error, "\(metric)")
      #expect(try compared.json()["paired"] as? Bool == (test["paired"] as? Bool))
      let ends = try #require(row["interval"] as? [Double])
      let degrees = try #require(test["degrees"] as? Int)
      let margin = error * studentQuantile(0.975, degreesOfFreedom: degrees)
      // Influences make the interval skewed, and a little wider or narrower.
      let difference = abs((ends[1] - ends[0]) / 2 - margin)
      #expect(difference < (metric == "cs" ? 1e-9 : 0.1) * margin, "\(metric): \(ends)")
      #expect(test["method"] as? String == (metric == "cs" ? "groups" : "influences"))
    }
  }

  @Test func samplesOfOneSeedArePaired() throws {
    let (guided, other) = (folder.path("guided.json"), folder.path("other.json"))
    try evaluate(guided, "--cfg-scale", "1.02")
    try evaluate(other, "--cfg-scale", "1.02", "--seed", "7")
    func width(_ run: DisEvalProcess) throws -> Double {
      let ends = try #require(row(run)["interval"] as? [Double])
      return ends[1] - ends[0]
    }
    let run = try compare(result, guided, "--json")
    #expect(try width(run) < width(compare(result, other, "--json")) / 3)
    let violation = try violation(of: Array(run.output.utf8), by: .comparison)
    #expect(violation == nil, "\(violation ?? "")")
    let fields = (try run.json()["differences"] as? [[String: Any]] ?? [])
      .compactMap { $0["field"] as? String }
    #expect(fields == ["sampler.cfg_scale"])
    let same = try compare(result, result)
    #expect(same.output.contains("no clear difference") && same.output.contains("(paired)"))
  }

  @Test func whatHasNoIntervalSaysWhy() throws {
    let bare = folder.path("bare.json")
    try evaluate(bare, "--no-intervals")
    let run = try compare(result, bare, "--json")
    #expect(try row(run)["interval"] is NSNull)
    #expect((try row(run)["interval_reason"] as? String)?.hasPrefix("not asked for") == true)
  }

  @Test func whatIsNotComparableIsRefused() throws {
    let other = String(repeating: "0", count: 64)
    for (change, name) in [
      (["provenance.num": 61, "metrics": [String: Any](), "sample_digests": nil], "num"),
      (["provenance.dialect": "tf"], "dialect"),
      (["provenance.extractor.sha256": other], "extractor"),
      (["provenance.reference.sha256": other], "reference"),
      (["provenance.reference.sha256": nil], "reference"), (["dialects": [:]], "dialects"),
    ] as [([String: Any?], String)] {
      let run = try compare(result, edited("other.json", change), status: 65)
      #expect(run.errors.contains("NotComparable: '\(name)'"), "\(run.errors)")
    }
    let impossible = try compare(
      result, edited("other.json", ["metrics.cs.value": 0.5]), status: 65)
    #expect(
      impossible.errors.contains("ResultInvalid") && impossible.errors.contains("metrics.cs.value"),
      "\(impossible.errors)")
    #expect(try compare(result, folder.path("none.json"), status: 66).errors.contains("NotFound"))
    #expect(
      try compare(result, DisEvalProcess.statistics, status: 65).errors.contains("ResultInvalid"))
    _ = try compare(result, status: 64)
  }

  /// Two trainings of two recipes, made from results of two sampling seeds: only what the two recipes do not have in
  /// common is left of their difference.
  @Test func recipes() throws {
    let other = folder.path("other.json")
    try evaluate(other, "--seed", "7")
    func training(_ name: String, of path: String) throws {
      var document = try #require(
        jsonObject(Data(contentsOf: URL(fileURLWithPath: path))) as? [String: Any])
      var provenance = try #require(document["provenance"] as? [String: Any])
      var checkpoint = try #require(provenance["checkpoint"] as? [String: Any])
      let letter = name.utf8.reduce(0) { ($0 * 31 + Int($1)) % 0xFFFF }
      checkpoint["sha256"] =
        String(repeating: "0", count: 56) + String(0x1000_0000 + letter, radix: 16)
      provenance["checkpoint"] = checkpoint
      document["provenance"] = provenance
      try JSONSerialization.data(withJSONObject: document)
        .write(to: URL(fileURLWithPath: folder.path(name)))
    }
    for recipe in ["a", "b"] {
      try training("\(recipe)-seed0.json", of: result)
      try training("\(recipe)-seed1.json", of: other)
    }
    let run = try compare(folder.path("a-seed*.json"), folder.path("b-seed*.json"), "--json")
    let violation = try violation(of: Array(run.output.utf8), by: .recipeComparison)
    #expect(violation == nil, "\(violation ?? "")")
    let row = try row(run, "fd")
    #expect(row["difference"] as? Double == 0)
    #expect(row["debiased"] as? Bool == true)
    let sides = try ["first", "second"].map { try #require(row[$0] as? [String: Any]) }
    let values = try #require(sides[0]["values"] as? [Double])
    // Trainings of one recipe have different sampling seeds here, so that S²/2 is the variance of each mean; what the
    // two recipes have in common makes that of the difference no smaller than S².
    let variance = (values[0] - values[1]) * (values[0] - values[1]) / 2
    let error = try #require(row["standard_error"] as? Double)
    #expect(abs(error - variance.squareRoot()) <= 1e-9 * error, "\(error), \(variance)")
    #expect(sides.allSatisfy { ($0["mean"] as? Double) == (values[0] + values[1]) / 2 })

    let text = try compare(folder.path("a-seed*.json"), folder.path("b-seed*.json")).output
    #expect(text.contains("mean of 2 trainings") && text.contains("no clear difference"), "\(text)")
    for (first, second, message) in [
      ("a-seed0.json", "b-seed*.json", "is the only result of its recipe"),
      ("a-seed*.json", "a-seed*.json", "is of the same checkpoint"),
      ("?-seed0.json", "a-seed1.json", "is the only result of its recipe"),
    ] {
      let run = try compare(folder.path(first), folder.path(second), status: 65)
      #expect(run.errors.contains(message), "\(run.errors)")
    }
    try evaluate(folder.path("a-seed2.json"), "--cfg-scale", "1.5", "--seed", "3")
    let mixed = try compare(
      folder.path("a-seed*.json"), folder.path("b-seed*.json"), status: 65)
    #expect(mixed.errors.contains("sampler.cfg_scale: found 1.5"), "\(mixed.errors)")
  }
}
