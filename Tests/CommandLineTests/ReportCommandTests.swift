import Checkpoints
import Foundation
import Images
import Results
import Testing
import _TestSupport

/// `dis-eval report` of the demo's model.
@Suite("report", .blocking) struct ReportCommandTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Evaluates `count` samples; returns the path of the result.
  private func result(_ count: Int, _ more: [String] = []) throws -> String {
    let path = folder.path("result.json")
    let run = try DisEvalProcess(
      ["fid", "--ckpt", DisEvalProcess.checkpoint, "--ref", DisEvalProcess.statistics]
        + ["--num", "\(count)", "--out", path] + DemoTests.settings + more)
    #expect(run.status == 0, "\(run.errors)")
    return path
  }

  /// Makes a report and gives its text.
  private func report(_ arguments: String...) throws -> String {
    let path = folder.path("report.html")
    let run = try DisEvalProcess(["report"] + arguments + ["--out", path])
    #expect(run.status == 0, "\(run.errors)")
    return try String(contentsOfFile: path, encoding: .utf8)
  }

  private func refusal(_ arguments: String..., status: Int32, code: String) throws {
    let path = folder.path("refused.html")
    let run = try DisEvalProcess(["report"] + arguments + ["--out", path])
    #expect(run.status == status, "\(run.errors)")
    #expect(run.errors.contains(code), "\(run.errors)")
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  @Test func samplesAreThoseThatWereScored() throws {
    let result = try result(40)
    let html = try report(result)
    #expect(html.contains("The first 40 of the 40 samples"))
    #expect(html.contains("Together they have the SHA-256 of the images that were scored."))
    #expect(html.contains("best and worst of all 40"))
    #expect(html.components(separatedBy: "<img ").count - 1 == 40 + 10)
    for sentence in [
      "use --gate to add", "use --plot to add drawings", "Use --reference-images to add",
    ] {
      #expect(html.contains(sentence), "\(sentence)")
    }
    // The same bytes with other threads.
    let one = try report(result, "--threads", "1", "--batch", "1")
    #expect(one == html)
  }

  @Test func aRunRanksAllOfItsSamples() throws {
    let run = folder.path("run")
    let result = try result(50, ["--run", run])
    let html = try report(result, "--run", run, "--num", "6")
    #expect(html.contains("The first 6 of the 50 samples"))
    #expect(html.contains("Each of them has the SHA-256 that the run recorded"))
    #expect(html.contains("best and worst of all 50"))
    // Of fewer samples, and without the run.
    let without = try report(result, "--num", "6")
    #expect(without.contains("Each of them has the SHA-256 that the result recorded."))
    #expect(without.contains("best and worst of the first 6 of 50"))
    #expect(without.contains("--run"))
  }

  @Test func neighborsAreShownWhenTheyAreThoseOfTheReference() throws {
    let (real, other) = (folder.path("real.npz"), folder.path("other.npz"))
    for (path, seed) in [(real, 1), (other, 2)] {
      let run = try DisEvalProcess(
        ["sample", "--ckpt", DisEvalProcess.checkpoint, "--num", "150", "--seed", "\(seed)"]
          + DemoTests.settings + ["--out", path])
      #expect(run.status == 0, "\(run.errors)")
    }
    let statistics = folder.path("stats.npz")
    let made = try DisEvalProcess(
      "stats", "make", "--images", real, "--weights", DisEvalProcess.extractor, "--keep-features",
      "150",
      "--out", statistics)
    #expect(made.status == 0, "\(made.errors)")
    let path = folder.path("result.json")
    let images = try DisEvalProcess(
      "fid", "--images", other, "--ref", statistics, "--weights", DisEvalProcess.extractor, "--out",
      path)
    #expect(images.status == 0, "\(images.errors)")

    let bare = try report(path)
    #expect(bare.contains("use --images to add them"))
    let html = try report(
      path, "--images", other, "--weights", DisEvalProcess.extractor, "--reference-images", real)
    #expect(html.contains("alt=\"Reference image"))
    try refusal(
      path, "--images", other, "--weights", DisEvalProcess.extractor, "--reference-images", other,
      status: 65, code: "ReferenceImagesMismatch")
  }

  @Test func whatIsNotOfTheResultIsRefused() throws {
    let result = try result(20)
    try refusal(
      result, "--ckpt", DisEvalProcess.file("scripts/train_demo/fashion-dis.pt"), status: 65,
      code: "OtherCheckpoint")
    try refusal(result, "--run", folder.path("none"), status: 66, code: "NotARun")
    try refusal(folder.path("none.json"), status: 66, code: "NotFound")
    try refusal(DisEvalProcess.statistics, status: 65, code: "ResultInvalid")
    let gate = folder.path("gate.json")
    try Data("{\"schema\": \"dis-eval-gate/1\"}".utf8).write(to: URL(fileURLWithPath: gate))
    try refusal(result, "--gate", gate, status: 65, code: "VerdictInvalid")
    try refusal(result, "--num", "-1", status: 64, code: "--num")
    try refusal(folder.path("l.jsonl"), "--gate", gate, status: 64, code: "--gate")
    // An output that cannot be made is refused before any work.
    let run = try DisEvalProcess("report", result, "--out", folder.path("no/such/r.html"))
    #expect(run.status == 73, "\(run.errors)")
  }

  /// A result whose numbers are out of all bounds neither traps nor writes a page.
  @Test(arguments: [
    ("\"num\" : 20", "\"num\" : -5"), ("\"num\" : 20", "\"num\" : 0"),
    ("\"respacing\" : \"dpm16\"", "\"respacing\" : \"99999999999999999999\""),
    ("\"labels\" : \"uniform\"", "\"labels\" : \"-7\""),
    ("\"labels\" : \"uniform\"", "\"labels\" : \"a.npy\""),
    ("\"cfg_interval\" : null", "\"cfg_interval\" : [9, 1]"),
    ("\"eta\" : 0", "\"eta\" : -3"),
  ])
  func anImpossibleResultIsRefused(_ old: String, _ new: String) throws {
    let path = try result(20)
    let text = try String(contentsOfFile: path, encoding: .utf8)
    #expect(text.contains(old))
    try text.replacingOccurrences(of: old, with: new).write(
      toFile: path, atomically: true, encoding: .utf8)
    let run = try DisEvalProcess("report", path, "--out", folder.path("r.html"))
    #expect(
      [64, 65].contains(run.status) || old.contains("eta") && run.status == 0, "\(run.errors)")
  }
}
