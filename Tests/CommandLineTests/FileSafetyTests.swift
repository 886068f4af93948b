import Foundation
import Testing
import _TestSupport

/// No file of a user is lost: by an output, or by tidying up.
@Suite("Files are not lost", .blocking) struct FileSafetyTests {
  private let folder: TemporaryFolder
  private static let fast = ["--num", "2", "--steps", "2", "--quiet"]
  private static let fid = ["fid", "--ckpt", "CKPT", "--ref", "REF"] + fast
  private static let gate = ["gate", "RESULT", "--max", "fid=3"]

  init() throws {
    folder = try TemporaryFolder()
    let files = FileManager.default
    for (from, to) in [
      (DisEvalProcess.checkpoint, "model.safetensors"), (DisEvalProcess.statistics, "ref.npz"),
      (
        DisEvalProcess.statistics.replacingOccurrences(of: ".npz", with: ".json"), "ref.json"
      ), (DisEvalProcess.extractor, "fashion-mnist-extractor.safetensors"),
    ] { try files.copyItem(atPath: from, toPath: folder.path(to)) }
    for name in ["result.json", "policy.yml", "ledger.jsonl", "ledger.csv", "list.csv", "out.json"]
    {
      try Data("mine: \(name)\n".utf8).write(to: URL(fileURLWithPath: folder.path(name)))
    }
    for name in ["images", "run"] {
      try files.createDirectory(
        atPath: folder.path(name), withIntermediateDirectories: false)
    }
    symlink("model.safetensors", folder.path("link"))
    link(folder.path("ref.npz"), folder.path("hard.npz"))
  }

  private func run(_ arguments: [String]) throws -> DisEvalProcess {
    let names = [
      "CKPT": "model.safetensors", "REF": "ref.npz", "RESULT": "result.json",
    ]
    return try DisEvalProcess(arguments.map { names[$0] ?? $0 }, in: folder.url)
  }

  /// Everything in the folder, with its content.
  private func content() throws -> [String: Data?] {
    let names = try FileManager.default.subpathsOfDirectory(atPath: folder.url.path)
    return Dictionary(
      uniqueKeysWithValues: names.map {
        ($0, try? Data(contentsOf: URL(fileURLWithPath: folder.path($0))))
      })
  }

  @Test(
    "an output that is an input or another output exits 64, before anything is made",
    arguments: [
      (["sample", "--ckpt", "CKPT", "--raw-out", "CKPT"], "--ckpt reads"),
      (["sample", "--ckpt", "CKPT", "--raw-out", "link"], "--ckpt reads"),
      (["sample", "--ckpt", "link", "--grid", "../TEMP/model.safetensors"], "--ckpt reads"),
      (["sample", "--ckpt", "CKPT", "--grid", "a", "--raw-out", "./a"], "--grid 'a'"),
      (["sample", "--ckpt", "CKPT", "--out", "s", "--grid", "s/grid.png"], "in the folder"),
      (["sample", "--ckpt", "CKPT", "--noise", "n.npy", "--raw-out", "n.npy"], "--noise reads"),
      (["sample", "--ckpt", "CKPT", "--labels", "y.npy", "--raw-out", "y.npy"], "--labels reads"),
      (fid + ["--out", "REF"], "--ref reads"), (fid + ["--out", "hard.npz"], "--ref reads"),
      (fid + ["--out", "ref.json"], "--ref reads"),
      (fid + ["--out", "fashion-mnist-extractor.safetensors"], "--ref reads"),
      (fid + ["--out", "CKPT"], "--ckpt reads"),
      (fid + ["--out", "a", "--grid", "a"], "--out 'a'"),
      (fid + ["--out", "run/run.json", "--run", "run"], "--run 'run/run.json'"),
      (fid + ["--grid", "run/units/a", "--run", "run"], "in the folder"),
      (fid + ["--save-images", "run", "--run", "run"], "in the folder"),
      (fid + ["--out", "/dev/stdout", "--json"], "standard output"),
      (
        ["evaluate", "--images", "images", "--ref", "REF", "--out", "images/r.json"],
        "in the folder"
      ),
      (["merge", "run", "--out", "run/run.json"], "the run 'run/run.json'"),
      (["explain", "--images", "images", "--ref", "REF", "--out", "REF"], "--ref reads"),
      (["features", "--images", "REF", "--out", "REF"], "--images reads"),
      (["features", "--images", "images", "--out", "out.npz"], "'out.json'"),
      (["stats", "make", "--images", "images", "--out", "out.npz"], "'out.json'"),
      (["stats", "convert", "REF", "REF"], "the input reads"),
      (["stats", "convert", "REF", "out.npz"], "'out.json'"),
      (["weights", "import", "CKPT", "--out", "CKPT"], "the input reads"),
      (gate + ["--out", "a", "--junit", "a"], "--junit 'a'"),
      (gate + ["--openmetrics", "RESULT"], "the result reads"),
      (gate + ["--policy", "policy.yml", "--summary", "policy.yml"], "--policy reads"),
      (gate + ["--baseline", "out.json", "--out", "out.json"], "--baseline reads"),
      (["gate", "RESULT", "--update-baseline", "RESULT", "--reason", "x"], "the result reads"),
      (["sweep", "CKPT", "--ref", "REF", "--out", "s", "--csv", "CKPT"], "a checkpoint reads"),
      (["sweep", "CKPT", "--ref", "REF", "--out", "s", "--csv", "s/ledger.jsonl"], "--csv"),
      (["export", "ledger.jsonl", "--format", "csv", "--out", "ledger.jsonl"], "the input reads"),
      (["plot", "ledger.jsonl", "--out", "ledger.svg"], "'ledger.csv'"),
      (["plot", "ledger.csv", "--out", "ledger.csv"], "the input reads"),
      (["plot", "ledger.jsonl", "--out", "a.csv", "--out", "./a.csv"], "the same file"),
      (["report", "RESULT", "--out", "RESULT"], "the input reads"),
      (["report", "RESULT", "--plot", "ledger.svg", "--out", "ledger.csv"], "--plot reads"),
      (["rerun", "RESULT", "--out", "RESULT"], "the result reads"),
    ])
  func collisions(arguments: [String], reason: String) throws {
    let before = try content()
    let run = try run(
      arguments.map { $0.replacingOccurrences(of: "TEMP", with: folder.url.lastPathComponent) })
    #expect(run.status == 64 && run.errors.contains(reason), "\(run.status) \(run.errors)")
    #expect(try content() == before)
  }

  /// What a plot has made itself it replaces, under any name of its own.
  @Test func aPlotReplacesItsOwnFiles() throws {
    let arguments = ["plot", "--recipe", "sequence-length", "--out", "f.svg"]
    #expect(try run(arguments).status == 0)
    let first = try content()
    let again = try run(arguments + ["--out", "f.csv"])
    #expect(again.status == 0, "\(again.errors)")
    #expect(try content() == first)
    for name in ["f.gp", "f.dat", "f.csv"] {
      let made = first[name] ?? nil
      try Data("mine".utf8).write(to: URL(fileURLWithPath: folder.path(name)))
      let refused = try run(arguments)
      #expect(refused.status == 64 && refused.errors.contains(name), "\(refused.errors)")
      try made?.write(to: URL(fileURLWithPath: folder.path(name)))
    }
  }

  @Test func aDocumentCanGoToStandardOutput() throws {
    // The document alone: what is for people goes to standard error.
    let result = try self.run(Self.fid + ["--out", "/dev/stdout"])
    #expect(result.status == 0, "\(result.errors)")
    #expect(try result.json()["schema"] as? String == "dis-eval-result/1")
    #expect(result.errors.contains("fd"))
    let full = try self.run(Self.fid + ["--out", "/dev/full"])
    #expect(full.status == 74 && full.errors.contains("DiskFull"), "\(full.errors)")
    let own = folder.path("own.json")
    try Data().write(to: URL(fileURLWithPath: own))
    let redirected = try DisEvalProcess(
      ["rerun", folder.path("result.json"), "--out", own], standardOutput: own)
    #expect(redirected.status == 64 && redirected.errors.contains("redirected"))
  }

  @Test func aRunRemovesNoFileOfSomebodyElse() throws {
    let begin = try run(Self.fid + ["--run", "run"])
    #expect(begin.status == 0, "\(begin.errors)")
    let users = [
      "run/notes.tmp", "run/run.json.tmp", "run/units/notes.tmp", "run/units/000000-2.tmp",
      "run/units/000000-2.safetensors.mine.tmp", "run/units/000000-2.old.partial.safetensors",
    ]
    let ours = [
      "run/.run.json.dis-eval-0123456789abc.tmp",
      "run/units/.000000-2.safetensors.dis-eval-0123456789abc.tmp",
      "run/units/000000-2.safetensors.1yk2jcmqpoj4t.tmp",
      "run/units/000000-2.partial.safetensors",
    ]
    for name in users + ours {
      try Data([1]).write(to: URL(fileURLWithPath: folder.path(name)))
    }
    let again = try run(
      ["fid", "--ckpt", "CKPT", "--ref", "REF", "--num", "3", "--steps", "2", "--run", "run"])
    #expect(again.status == 0, "\(again.errors)")
    let left = try content()
    for name in users { #expect(left[name] != nil, "\(name)") }
    for name in ours { #expect(left[name] == nil, "\(name)") }
    // A folder of something else gets nothing at all.
    let other = try run(Self.fid + ["--run", "images"])
    #expect(other.status == 0)
    let before = try content()
    for name in ["policy.yml", "."] {
      let refused = try run(Self.fid + ["--run", name])
      #expect(refused.status == 73, "\(refused.errors)")
    }
    #expect(try content() == before)
  }
}
