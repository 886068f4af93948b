import Foundation
import Testing
import _TestSupport

/// The names of options: the former ones still work for one version, and verbs agree on the others.
@Suite("Names of options", .blocking) struct NameTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static func fixture(_ name: String) -> String {
    DisEvalProcess.file("Tests/DisEvalTests/Fixtures/\(name)")
  }

  /// Runs the command, with a cache of its own.
  private func run(_ arguments: [String], status: Int32 = 0) throws -> DisEvalProcess {
    let run = try DisEvalProcess(
      arguments,
      environment: ShardCommandTests.none.merging([
        "XDG_CACHE_HOME": folder.path("cache"), "GITHUB_ACTIONS": "",
      ]) { $1 })
    #expect(run.status == status, "\(arguments): \(run.output) \(run.errors)")
    return run
  }

  /// Runs the command and returns the JSON object on standard output.
  private func json(_ arguments: String...) throws -> [String: Any] {
    try run(arguments + ["--json"]).json()
  }

  private func images() throws -> String {
    let path = folder.path("images.npz")
    _ = try run([
      "sample", "--ckpt", DisEvalProcess.checkpoint, "--num", "20", "--steps", "2",
      "--sampler", "dpm-solver++", "--out", path,
    ])
    return path
  }

  private func result(_ more: String...) throws -> String {
    let path = folder.path("result.json")
    _ = try run(
      ["fid", "--images", try images(), "--ref", DisEvalProcess.statistics, "--out", path] + more)
    return path
  }

  // MARK: - Former names

  /// The former options, each with the current one.
  private static let formerNames: [(verb: [String], old: String, new: String)] = [
    (["explain"], "--base", "--dialect"), (["gate"], "--metric", "--metrics"),
    (["report"], "--samples", "--num"), (["stats", "convert"], "--count", "--num"),
    (["stats", "convert"], "--features", "--keep-features"),
    (["stats", "convert"], "--resolution", "--image-side"),
    (["stats", "make"], "--features", "--keep-features"),
  ]

  @Test func noHelpShowsAFormerName() throws {
    for (verb, old, new) in Self.formerNames {
      let help = try run(verb + ["--help"]).output
      #expect(!help.contains("\(old) ") && help.contains("\(new) <"), "\(verb): \(help)")
    }
    let convert = try run(["stats", "convert", "--help"]).output
    #expect(convert.contains("USAGE: dis-eval stats convert <file> --out <file> [<options>]"))
    #expect(!convert.contains("former") && !convert.contains("<output>"))
  }

  /// Runs the command with former names, and expects the notes that say the current ones.
  private func former(_ arguments: [String], _ notes: [String], status: Int32 = 0) throws {
    let run = try run(arguments, status: status)
    let found = run.errors.split(separator: "\n").filter { $0.hasPrefix("dis-eval: note: ") }
    #expect(found.map { $0.dropFirst(16) } == notes.map { $0[...] }, "\(run.errors)")
  }

  @Test func formerNamesOfStatistics() throws {
    let out = folder.path("out.npz")
    try former(
      [
        "stats", "convert", Self.fixture("clean_kid.npz"), out, "--dialect", "tf",
        "--resolution=32", "--features", "7",
      ],
      [
        "--resolution is now --image-side", "--features is now --keep-features",
        "the second path is now --out",
      ])
    let shown = try json("stats", "show", out)
    #expect(shown["resolution"] as? Int == 32)
    try former(
      [
        "stats", "convert", DisEvalProcess.statistics, "--out", folder.path("x.npz"), "--count",
        "60000",
      ], ["--count is now --num"])
    try former(
      [
        "stats", "make", "--images", try images(), "--weights", DisEvalProcess.extractor,
        "--features", "2", "--out", folder.path("made.npz"),
      ], ["--features is now --keep-features"])
    try former(
      [
        "stats", "make", "--images", folder.path("images.npz"), "--weights",
        DisEvalProcess.extractor, "--features", "2", "--out", folder.path("made.npz"), "--quiet",
      ], [])
    // Two places for one path are refused, and so is none.
    for arguments in [[out, folder.path("a.npz"), "--out", folder.path("b.npz")], [out]] {
      #expect(try run(["stats", "convert"] + arguments, status: 64).errors.contains("--out"))
    }
  }

  @Test func formerNamesOfVerbsThatJudge() throws {
    let result = try result("--no-intervals")
    try former(
      ["gate", result, "--baseline", result, "--metric", "fd", "--metric", "cs"],
      ["--metric is now --metrics"], status: 3)
    try former(
      ["report", result, "--samples", "0", "--out", folder.path("report.html")],
      ["--samples is now --num"])
    // An error names the current option, and the note says why.
    let refused = try run(
      ["report", result, "--samples", "-1", "--out", folder.path("x.html")], status: 64)
    #expect(refused.errors.contains("--samples is now --num"), "\(refused.errors)")
    let explain = try run(
      ["explain", "--images", "a", "--ref", "b", "--base", "fid"], status: 64)
    #expect(explain.errors.contains("--base is now --dialect"), "\(explain.errors)")
  }

  /// What only looks like a former name is not renamed.
  @Test func onlyNamesOfTheCommandAreRenamed() throws {
    let unknown = try run(["fid", "--base", "tf"], status: 64)
    #expect(!unknown.errors.contains("is now"), "\(unknown.errors)")
    let value = try run(["report", "--out", folder.path("x.html"), "--", "--samples"], status: 66)
    #expect(!value.errors.contains("is now"), "\(value.errors)")
  }

  // MARK: - Metrics

  @Test func everyNameThatAResultPrintsIsAccepted() throws {
    let images = try images()
    let run = try run([
      "evaluate", "--images", images, "--ref", DisEvalProcess.statistics, "--metrics", "fid,cs",
      "--no-intervals", "--json",
    ])
    let metrics = try #require(try run.json()["metrics"] as? [String: Any])
    #expect(metrics.keys.sorted() == ["cs", "fd"])
    #expect(run.errors.contains("fd instead of fid") && !run.errors.contains("instead of cs"))
    let unknown = try self.run(
      ["gate", images, "--max", "fid=1", "--metrics", "fd,fvd"], status: 64)
    #expect(unknown.errors.contains("fvd"), "\(unknown.errors)")
  }

  @Test func theGateSaysThatAMetricHasAnotherName() throws {
    let result = try result("--no-intervals")
    let run = try run(["gate", result, "--max", "fid=1", "--min", "is=1"], status: 3)
    for part in ["the distance is called fd", "the score is called cs"] {
      #expect(run.output.contains(part), "\(run.output)")
    }
  }

  // MARK: - Outputs

  /// A command whose product is a document says on standard error which file it wrote.
  @Test func writtenFilesAreSaid() throws {
    let (result, out) = (try result("--quiet"), folder.path("out.json"))
    let said = "dis-eval: wrote '\(out)'\n"
    for command in [
      ["compare", result, result], ["gate", result, "--max", "fd=1"],
      ["bench", "--only", "sgemm", "--seconds", "0.01", "--threads", "1"],
    ] {
      let status: Int32 = command[0] == "gate" ? 3 : 0
      try? FileManager.default.removeItem(atPath: out)
      let loud = try run(command + ["--out", out, "--json"], status: status)
      #expect(loud.errors.hasSuffix(said), "\(loud.errors)")
      #expect(try String(contentsOfFile: out, encoding: .utf8) == loud.output)
      let quiet = try run(command + ["--out", out, "--quiet"], status: status)
      #expect(!quiet.errors.contains("wrote"), "\(quiet.errors)")
      let place = try run(command + ["--out", folder.path("no/x.json")], status: 73)
      #expect(place.output.isEmpty)
    }
    let table = folder.path("table.csv")
    let export = try run(["export", result, "--format", "csv", "--out", table])
    #expect(export.output == table + "\n" && export.errors.isEmpty, "\(export.errors)")
  }

  @Test func plotExpandsPatterns() throws {
    let result = try result("--quiet")
    let (pattern, out) = (folder.path("res*.json"), folder.path("fig.csv"))
    let none = try run(["plot", folder.path("none*.json"), "--out", out], status: 66)
    #expect(none.errors.contains("no file matches"), "\(none.errors)")
    let x = ["--x", "sampling-steps", "--y", "fd", "--out", out]
    for input in [pattern, result] {
      // No checkpoint was sampled, so there are no steps to draw: the file was read.
      #expect(try run(["plot", input] + x, status: 65).errors.contains("NothingToPlot"))
    }
    let inside = try run(["plot", pattern, "--out", result, "--quiet"], status: 64)
    #expect(inside.errors.contains("--out"), "\(inside.errors)")
  }

  @Test func everyVerbWithASummaryHasItAsJSON() throws {
    let images = try images()
    let sample = try json(
      "sample", "--ckpt", DisEvalProcess.checkpoint, "--num", "2", "--steps", "2", "--sampler",
      "dpm-solver++", "--grid", folder.path("grid.png"))
    #expect(sample["num"] as? Int == 2 && sample["grid"] as? String == folder.path("grid.png"))
    #expect((sample["samples_sha256"] as? String)?.count == 64)
    let (features, stats) = (folder.path("features.npz"), folder.path("stats.npz"))
    let weights = ["--images", images, "--weights", DisEvalProcess.extractor, "--out"]
    for (verb, path) in [(["features"], features), (["stats", "make"], stats)] {
      let written = try run(verb + weights + [path, "--json"]).json()
      #expect(written["path"] as? String == path)
      #expect((written["record"] as? [String: Any])?["count"] as? Int == 20)
    }
    let converted = try json("stats", "convert", stats, "--out", folder.path("converted.npz"))
    #expect((converted["record"] as? [String: Any])?["schema"] != nil)
    let verified = try #require(
      try json("stats", "verify", stats)["statistics"] as? [[String: Any]])
    #expect(verified.count == 1 && verified[0]["good"] as? Bool == true)
    let bad = try run(
      ["stats", "verify", Self.fixture("several.pkl"), "--json"], status: 65)
    let refused = try #require(try bad.json()["statistics"] as? [[String: Any]])
    #expect(refused[0]["good"] as? Bool == false && refused[0]["error"] is String)
    let list = try json("weights", "list")
    #expect((list["published"] as? [Any])?.count == 20 && list["cached"] is NSNull)
    let presets = try json("presets", "dis-s2-cifar10")["presets"] as? [[String: Any]]
    #expect(presets?.map { $0["name"] as? String } == ["dis-s2-cifar10"])
    let shard = try json("shard", "--shard", "1/2")["shard"] as? [String: Any]
    #expect(shard?["index"] as? Int == 1 && shard?["count"] as? Int == 2)
    #expect(try json("shard")["shard"] is NSNull)
  }

  @Test func aShardSaysWhatItDoesNotWrite() throws {
    let out = folder.path("result.json")
    let run = try run([
      "fid", "--ckpt", DisEvalProcess.checkpoint, "--ref", DisEvalProcess.statistics, "--num", "4",
      "--steps", "2", "--sampler", "dpm-solver++", "--run", folder.path("run"), "--shard", "0/2",
      "--unit", "2", "--out", out,
    ])
    #expect(
      run.errors.contains(
        "a shard scores nothing: --out is written by the process that merges"), "\(run.errors)")
    #expect(!FileManager.default.fileExists(atPath: out))
  }

  // MARK: - Sources of statistics

  @Test func statisticsAreFetchedFromALocalFile() throws {
    let entry = """
      {"schema": "dis-eval-registry/1", "entries": [{"name": "small", "dataset": {"name": "x"},
       "address": "http://127.0.0.1:9/edm.npz", "file": "edm.npz", "format": "npz",
       "arrays": ["mu", "sigma"], "dimension": 16, "page": true, "source": "https://x"}]}
      """
    try entry.write(toFile: folder.path("registry.json"), atomically: true, encoding: .utf8)
    func fetch(_ more: String...) throws -> DisEvalProcess {
      try DisEvalProcess(
        ["stats", "fetch", "small"] + more,
        environment: [
          "XDG_CACHE_HOME": folder.path("cache"),
          "DIS_EVAL_REGISTRY": folder.path("registry.json"),
        ])
    }
    let fetched = try fetch("--from", Self.fixture("edm.npz"))
    let path = folder.path("cache/dis-eval/stats/small.npz")
    #expect(fetched.status == 0 && fetched.output == path + "\n", "\(fetched.errors)")
    #expect(
      FileManager.default.contentsEqual(atPath: path, andPath: Self.fixture("edm.npz")))
    // A different file is refused, and the first one stays.
    let other = try fetch("--again", "--from", Self.fixture("pytorch_fid.npz"))
    #expect(other.status == 65 && other.errors.contains("HashMismatch"), "\(other.errors)")
    #expect(
      FileManager.default.contentsEqual(atPath: path, andPath: Self.fixture("edm.npz")))
    #expect(try fetch("--again", "--from", folder.path("none.npz")).status == 66)
  }
}
