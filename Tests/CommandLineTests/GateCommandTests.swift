import Foundation
import Reporting
import Results
import Testing
import _TestSupport

/// `dis-eval gate` and `dis-eval schema`, by exit status and by what they write.
@Suite("The gate", .blocking) struct GateCommandTests {
  let folder: TemporaryFolder
  let result: String

  init() throws {
    folder = try TemporaryFolder()
    result = folder.path("result.json")
    try write(Self.document(fid: 4.2), to: result)
  }

  /// A metric with a tiny standard error.
  static func metric(_ fid: Double) -> MadeUpMetric { MadeUpMetric(fid, error: 3e-4) }

  static func document(fid: Double) -> String { MadeUpResult(["fid": metric(fid).json]).json }

  /// Value and interval as a reason has them.
  static func shown(_ fid: Double) -> String {
    let ends = (metric(fid).ends ?? []).map { String(format: "%.6g", $0) }
    let value = String(format: "%.6g", fid)
    return "debiased \(value) (value \(value)) in [" + ends.joined(separator: ", ") + "]"
  }

  func write(_ text: String, to path: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
  }

  func read(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

  /// Runs the gate outside of any continuous integration, unless the environment says otherwise.
  func gate(_ arguments: [String], environment: [String: String] = [:]) throws -> DisEvalProcess {
    try DisEvalProcess(
      ["gate", result] + arguments,
      environment: ["GITHUB_ACTIONS": "", "GITHUB_SHA": "", "CI_COMMIT_SHA": ""]
        .merging(environment) { $1 })
  }

  @Test(
    "the exit status is the verdict",
    arguments: [
      (["--max", "fid=4.5"], 0), (["--max", "fid=3.5"], 1), (["--max", "fid=4.2"], 3),
      (["--min", "fid=4.5"], 1), (["--max", "fid=4.5", "--min", "fid=4"], 0),
      (["--max", "is=4.5"], 3), (["--max", "fid=3.5", "--max", "is=4"], 1),
    ] as [([String], Int32)])
  func verdicts(options: [String], status: Int32) throws {
    let run = try gate(options)
    #expect(run.status == status, "\(run.errors)")
    #expect(run.errors.isEmpty && run.output.contains(result), "\(run.output)")
    let json = try gate(options + ["--json"])
    #expect(json.status == status)
    let verdict = try json.json()["verdict"] as? String
    #expect(verdict == ["pass", "worse", "", "cannot_say"][Int(status)])
  }

  @Test func theBaselineDecides() throws {
    for (fid, status) in [(4.2, 0), (4.19, 0), (4.0, 1), (4.1584, 3)] as [(Double, Int32)] {
      let path = folder.path("base.json")
      // Another seed: no pairs, whose difference would have no spread at all.
      try write(
        Self.document(fid: fid).replacingOccurrences(of: "\"seed\": 0", with: "\"seed\": 1"),
        to: path)
      let run = try gate(["--baseline", path])
      #expect(run.status == status, "\(fid): \(run.output)")
    }
    let path = folder.path("other.json")
    try write(
      Self.document(fid: 4.2).replacingOccurrences(of: "\"steps\": 50", with: "\"steps\": 25"),
      to: path)
    let run = try gate(["--baseline", path])
    #expect(run.status == 3 && run.output.contains("sampler.steps is 50, 25 in the baseline"))
  }

  @Test func policyAndItsBaseline() throws {
    let policy = folder.path("gate.yml")
    try write(Self.document(fid: 4.0), to: folder.path("base.json"))
    let head = "schema: dis-eval-policy/1\nbaseline: base.json\n"
    try write(head + "metrics: {fid: {max: 4.5, tolerance: 10%}}\n", to: policy)
    #expect(try gate(["--policy", policy]).status == 0)
    #expect(try gate(["--policy", policy, "--tolerance", "fid=0.1"]).status == 1)
    #expect(try gate(["--policy", policy, "--max", "fid=4"]).status == 1)
    try write(head + "metrics: {fid: {maxx: 4.5}}\n", to: policy)
    let run = try gate(["--policy", policy])
    #expect(run.status == 78 && run.errors.contains("line 3: metrics.fid.maxx: unknown key"))
  }

  @Test func everyOutput() throws {
    let paths = ["junit.xml", "metrics.txt", "verdict.json", "summary.md"].map(folder.path)
    let run = try gate([
      "--max", "fid=3.5", "--junit", paths[0], "--openmetrics", paths[1], "--out", paths[2],
      "--summary", paths[3],
    ])
    #expect(run.status == 1)
    #expect(
      run.output == """
        worse: \(result)
          worse: fid max: \(Self.shown(4.2)) is above max 3.5

        """)
    #expect(try read(paths[0]).contains("<failure type=\"worse\" message=\"\(Self.shown(4.2))"))
    #expect(try read(paths[1]).contains("dis_eval_metric{name=\"fid\"} 4.2\n"))
    #expect(try read(paths[2]) == gate(["--max", "fid=3.5", "--json"]).output)
    #expect(
      try read(paths[3]).contains("| fid | max 3.5 | worse | debiased 4.2 (value 4.2) in \\["))
  }

  @Test func gitHubIsToldWhenItIsThere() throws {
    let (summary, output) = (folder.path("summary"), folder.path("output"))
    try write("before\n", to: summary)
    var environment = ["GITHUB_STEP_SUMMARY": summary, "GITHUB_OUTPUT": output]
    #expect(try gate(["--max", "fid=3.5"], environment: environment).errors.isEmpty)
    #expect(try read(summary) == "before\n")
    environment["GITHUB_ACTIONS"] = "true"
    let run = try gate(["--max", "fid=3.5", "--json"], environment: environment)
    #expect(run.status == 1)
    #expect(try run.json()["verdict"] as? String == "worse")
    #expect(
      run.errors
        == "::error title=dis-eval fid max::worse: \(Self.shown(4.2)) is above max 3.5\n")
    #expect(try read(summary).hasPrefix("before\n### dis-eval gate: worse\n"))
    #expect(try read(output) == "verdict=worse\n")

    try write(String(repeating: "x", count: 900_000), to: summary)
    let full = try gate(["--max", "fid=4.5"], environment: environment)
    #expect(full.status == 0 && full.errors.contains("summary is full"))
    #expect(try read(summary).utf8.count == 900_000)
  }

  @Test func aBaselineIsReplacedWithAReason() throws {
    let path = folder.path("base.json")
    func update(_ options: String..., commit: String = "") throws -> DisEvalProcess {
      try gate(
        ["--update-baseline", path, "--reason", "longer"] + options,
        environment: ["GITHUB_SHA": commit])
    }
    #expect(try update(commit: "0123abcd").status == 0)
    let first = try read(path)
    #expect(
      first.contains("\"commit\" : \"0123abcd\"") && first.contains("\"reason\" : \"longer\""))
    #expect(try gate(["--baseline", path]).status == 0)

    try write(Self.document(fid: 5), to: result)
    let refused = try update()
    #expect(refused.status == 1 && refused.errors.contains("--accept"), "\(refused.errors)")
    #expect(try read(path) == first)
    #expect(try update("--accept", commit: "no commit").status == 0)
    let second = try read(path)
    #expect(second.contains("\"verdict\" : \"worse\"") && !second.contains("commit"))
    #expect(try gate(["--baseline", path]).status == 0)

    // A limit that is broken refuses too.
    #expect(try update("--max", "fid=3").status == 1)
    // So do other conditions, under which it is unknown whether the result is as good.
    try write(
      Self.document(fid: 6).replacingOccurrences(of: "50000", with: "10000"), to: result)
    let unsaid = try update()
    #expect(unsaid.status == 3, "\(unsaid.errors)")
    #expect(
      unsaid.errors.contains("was not written: the gate cannot say")
        && unsaid.errors.contains("--accept"), "\(unsaid.errors)")
    #expect(unsaid.output.contains("num is 10000, 50000 in the baseline"), "\(unsaid.output)")
    #expect(try read(path) == second)
    #expect(try update("--accept").status == 0)
    #expect(try read(path).contains("\"verdict\" : \"cannot_say\""))
  }

  @Test func aFirstBaselineIsJudgedByLimitsAlone() throws {
    for (name, options, status) in [
      ("a", [], 0), ("b", ["--max", "fid=5"], 0), ("c", ["--max", "fid=4"], 1),
      ("d", ["--max", "fid=4.2"], 3), ("e", ["--max", "fid=4.2", "--accept"], 0),
    ] as [(String, [String], Int32)] {
      let path = folder.path("\(name).json")
      let run = try gate(["--update-baseline", path, "--reason", "first", "--json"] + options)
      #expect(run.status == status, "\(name): \(run.errors)")
      #expect(FileManager.default.fileExists(atPath: path) == (status == 0), "\(name)")
      let verdicts = ["a": "pass", "b": "pass", "c": "worse", "d": "cannot_say", "e": "cannot_say"]
      #expect(try run.json()["verdict"] as? String == verdicts[name], "\(name)")
    }
  }

  @Test(
    "of limits and tolerances the strictest holds",
    arguments: [
      (["--max", "fid=4", "--max", "fid=9"], "", 1), (["--max", "fid=9", "--max", "fid=4"], "", 1),
      (["--min", "fid=5", "--min", "fid=1"], "", 1), (["--max", "fid=9", "--max", "fid=5"], "", 0),
      (["--max", "fid=9"], "metrics: {fid: {max: 4}}", 1),
      (["--min", "fid=1"], "metrics: {fid: {min: 5}}", 1),
      (["--max", "fid=4"], "metrics: {fid: {max: 9}}", 1),
      (["--max", "fid=4"], "metrics: {fid: {min: 5}}", 78),
      (["--min", "fid=5", "--max", "fid=9", "--max", "fid=4"], "", 78),
      // The baseline is 4: 0.2 worse is 5 %.
      (["--tolerance", "fid=10%"], "", 0), (["--tolerance", "fid=1%"], "", 1),
      (["--tolerance", "fid=10%", "--tolerance", "fid=0.1"], "", 1),
      (["--tolerance", "fid=0.1", "--tolerance", "fid=10%"], "", 1),
      (["--tolerance", "fid=10%", "--tolerance", "fid=0.3"], "", 0),
      (["--tolerance", "fid=10%"], "metrics: {fid: {tolerance: 1%}}", 1),
      (["--tolerance", "fid=10%"], "tolerance: 1%", 1),
      (["--tolerance", "fid=10%"], "tolerance: 9%", 0),
    ] as [([String], String, Int32)])
  func strictest(options: [String], policy: String, status: Int32) throws {
    let (file, base) = (folder.path("gate.yml"), folder.path("base.json"))
    try write("schema: dis-eval-policy/1\n\(policy)\n", to: file)
    try write(
      Self.document(fid: 4).replacingOccurrences(of: "\"seed\": 0", with: "\"seed\": 1"), to: base)
    let run = try gate(
      options + (policy.isEmpty ? [] : ["--policy", file])
        + (options.contains("--tolerance") ? ["--baseline", base] : []))
    #expect(run.status == status, "\(run.output) \(run.errors)")
  }

  @Test(
    "a result that contradicts itself is refused",
    arguments: [
      ("\"value\": 4.2", "\"value\": 3", "outside its own interval"),
      ("\"interval\": [4", "\"interval\": [3", "its jackknife values give"),
      ("\"value\": 4.2", "\"value\": -4.2", "fid is at least 0"),
      ("\"groups\": 20", "\"groups\": 5", "the method has 20"),
      ("\"higher_is_better\": false", "\"higher_is_better\": true", "for fid it is false"),
      (
        "\"inception-2015\"", "\"my-network\"",
        "by the extractor 'inception-2015', found 'my-network'"
      ),
      ("\"value\": 4.2", "\"value\": 99, \"value\": 4.2", "the key 'value' occurs twice"),
      ("\"num\": 50000", "\"num\": \"50000\"", "provenance.num"),
    ])
  func contradictions(old: String, new: String, part: String) throws {
    let text = Self.document(fid: 4.2)
    try #require(text.contains(old))
    let changed = text.replacingOccurrences(of: old, with: new)
    try write(changed, to: result)
    let run = try gate(["--max", "fid=100"])
    #expect(run.status == 65 && run.output.isEmpty, "\(run.output)")
    #expect(run.errors.contains(part), "\(run.errors)")
    try write(text, to: result)
    try write(changed, to: folder.path("base.json"))
    #expect(try gate(["--baseline", folder.path("base.json")]).status == 78)
  }

  @Test func aMetricWithoutSpreadCannotBeSaid() throws {
    try write(
      Self.document(fid: 4.2).replacingOccurrences(
        of: Self.metric(4.2).json, with: MadeUpMetric(4.2, error: 0).json), to: result)
    let run = try gate(["--max", "fid=100"])
    #expect(
      run.status == 3 && run.output.contains("all jackknife values are the same"), "\(run.output)")
  }

  @Test(
    "a wrong command line exits 64",
    arguments: [
      [], ["--max", "fid"], ["--max", "fid=nan"], ["--max", "=3"], ["--max", "fid=1e999"],
      ["--tolerance", "fid=-1", "--max", "fid=3"], ["--tolerance", "fid=1"],
      ["--update-baseline", "b"], ["--reason", "x", "--max", "fid=3"],
      ["--update-baseline", "b", "--reason", " "], ["--accept", "--max", "fid=3"],
      ["--update-baseline", "b", "--reason", "x", "--baseline", "c"],
    ])
  func usage(options: [String]) throws {
    let run = try gate(options)
    #expect(run.status == 64, "\(run.errors)")
  }

  @Test func filesThatCannotBeUsed() throws {
    let bad = folder.path("bad")
    try write("{", to: bad)
    for (options, status) in [
      (["--baseline", bad], 78), (["--baseline", folder.path("none")], 66),
      (["--policy", bad], 78),
      (["--policy", folder.path("none")], 66), (["--max", "fid=3", "--min", "fid=4"], 78),
      (["--max", "fid=3", "--junit", folder.path("none/x.xml")], 73),
      (["--max", "fid=3", "--out", folder.url.path], 73),
    ] as [([String], Int32)] {
      let run = try gate(options)
      #expect(run.status == status && run.output.isEmpty, "\(options): \(run.errors)")
    }
    #expect(try DisEvalProcess("gate", bad, "--max", "fid=3").status == 65)
    #expect(try DisEvalProcess("gate", folder.path("none"), "--max", "fid=3").status == 66)
    let summary = ["GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": folder.url.path]
    #expect(try gate(["--max", "fid=9"], environment: summary).status == 73)
  }

  @Test func whatOtherCommandsPrintIsValid() throws {
    let options = ["--num", "60", "--sampler", "ddim", "--steps", "2", "--quiet", "--json"]
    let subject = ["--ckpt", DisEvalProcess.checkpoint, "--ref", DisEvalProcess.statistics]
    for (arguments, schema) in [
      (["fid"] + subject + options, Schema.result),
      (["evaluate", "--dialect", "all"] + subject + options, .result),
      (["fid", "--repeats", "2"] + subject + options, .repeats),
      (
        ["sweep", DisEvalProcess.checkpoint, "--repeats", "2", "--out", folder.path("sweep")]
          + subject.dropFirst(2) + options, .sweep
      ),
      (["bench", "--only", "sgemm", "--seconds", "0.01", "--quiet", "--json"], .benchmark),
    ] {
      let run = try DisEvalProcess(arguments)
      #expect(run.status == 0, "\(run.errors)")
      #expect(try violation(of: Array(run.output.utf8), by: schema) == nil)
    }
  }

  @Test func schemas() throws {
    let names = try DisEvalProcess("schema").output.split(separator: "\n").map(String.init)
    #expect(
      names == [
        "baseline", "benchmark", "comparison", "extractors", "gate", "generator", "ledger", "plot",
        "policy",
        "reconstruction", "recipe-comparison", "repeats", "rerun", "result", "sweep",
      ])
    for name in names {
      let run = try DisEvalProcess("schema", name)
      #expect((try run.json()["$id"] as? String)?.hasPrefix("urn:dis-eval:schema:\(name):") == true)
    }
    #expect(try DisEvalProcess("schema", "nothing").status == 64)
  }
}
