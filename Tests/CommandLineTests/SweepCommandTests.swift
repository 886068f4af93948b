import Files
import Foundation
import Testing
import _TestSupport

@Suite("dis-eval sweep", .blocking) struct SweepCommandTests {
  let folder: TemporaryFolder
  var settings = [
    "--ref", DisEvalProcess.statistics, "--num", "12", "--sampler", "dpm-solver++", "--steps", "4",
  ]

  init() throws {
    folder = try TemporaryFolder()
    try FileManager.default.createDirectory(
      atPath: folder.path("ckpts"), withIntermediateDirectories: true)
  }

  private var out: String { folder.path("sweep") }

  /// Copies the demo's weights, which the two files have in two formats.
  private func copy(_ name: String, to other: String) throws {
    try FileManager.default.copyItem(
      atPath: DisEvalProcess.file("scripts/train_demo/fashion-dis.\(name)"),
      toPath: folder.path("ckpts/\(other)"))
  }

  private func sweep(_ more: String...) throws -> DisEvalProcess {
    try DisEvalProcess(["sweep", "--out", out] + settings + more)
  }

  private func rows(_ process: DisEvalProcess) throws -> [[String: Any]] {
    try #require(try process.json()["rows"] as? [[String: Any]], "\(process.errors)")
  }

  private var ledger: [[String: Any]] {
    get throws {
      try String(contentsOfFile: "\(out)/ledger.jsonl", encoding: .utf8)
        .split(separator: "\n").map {
          try #require(
            try jsonObject(Data($0.utf8)) as? [String: Any])
        }
    }
  }

  @Test("scores like fid, and never the same twice")
  func cached() throws {
    try copy("pt", to: "step-100.pt")
    try copy("safetensors", to: "0000200.safetensors")
    let pattern = folder.path("ckpts/*")
    let first = try sweep(pattern, "--json")
    #expect(first.status == 0, "\(first.errors)")
    #expect(try rows(first).map { $0["state"] as? String } == ["evaluated", "evaluated"])
    #expect(try rows(first).map { $0["name"] as? String } == ["step-100", "0000200"])
    let lines = try ledger
    #expect(lines.count == 2)
    let line = try #require(lines.first { $0["name"] as? String == "step-100" })
    #expect(line["schema"] as? String == "dis-eval-ledger/1")
    let fid = try DisEvalProcess(
      ["fid", "--ckpt", folder.path("ckpts/step-100.pt"), "--json"] + settings
    ).json()
    #expect(line["samples_sha256"] as? String == fid["samples_sha256"] as? String)
    let path = try #require(line["result"] as? String)
    let result = try #require(
      try jsonObject(
        Data(contentsOf: URL(fileURLWithPath: "\(out)/\(path)"))) as? [String: Any])
    #expect(try canonical(result["metrics"]) == canonical(fid["metrics"]))
    #expect(try canonical(result["provenance"]) == canonical(fid["provenance"]))
    let inspection = try DisEvalProcess(
      "inspect", folder.path("ckpts/step-100.pt"), "--json"
    ).json()
    #expect(line["parameters"] as? Int == inspection["parameters"] as? Int)
    let model = try #require(inspection["model"] as? [String: Any])
    let gflops = try #require(line["gflops"] as? [String: Double])
    #expect(gflops["true"] == model["gflops"] as? Double)
    #expect(gflops["thop"] == model["gflops_thop"] as? Double)
    let training = try #require(line["training"] as? [String: Any])
    #expect(training["step"] as? Int == 100 && training["step_from"] as? String == "file name")
    #expect(!FileManager.default.fileExists(atPath: "\(out)/runs/\(line["key"] ?? "")"))

    // Again, under other names, with other threads: nothing is sampled and not a byte changes.
    let before = try Data(contentsOf: URL(fileURLWithPath: "\(out)/ledger.jsonl"))
    try FileManager.default.moveItem(
      atPath: folder.path("ckpts/step-100.pt"), toPath: folder.path("ckpts/renamed.pt"))
    let again = try sweep(pattern, "--threads", "1", "--json")
    #expect(try rows(again).allSatisfy { $0["state"] as? String == "cached" })
    #expect(try Data(contentsOf: URL(fileURLWithPath: "\(out)/ledger.jsonl")) == before)
    // What a list says of them is taken over, without sampling.
    let list = folder.path("list.csv")
    try "checkpoint,name,family,batch,images,step\nckpts/renamed.pt,best,mine,128,,300\n"
      .write(toFile: list, atomically: true, encoding: .utf8)
    let listed = try sweep("--list", list, "--json")
    #expect(try rows(listed).map { $0["state"] as? String } == ["cached"])
    let labelled = try #require(try ledger.first { $0["name"] as? String == "best" })
    #expect(labelled["family"] as? String == "mine")
    let facts = try #require(labelled["training"] as? [String: Any])
    #expect(facts["images"] as? Int == 38_400 && facts["step"] as? Int == 300)
    #expect(
      abs((facts["gflops"] as? Double ?? 0) - 3 * 38_400 * (gflops["true"] ?? 0)) < 1e-6)
    // A result that was written and not listed is listed.
    try FileManager.default.removeItem(atPath: "\(out)/ledger.jsonl")
    #expect(
      try rows(try sweep(pattern, "--json")).allSatisfy { $0["state"] as? String == "cached" })
    #expect(try ledger.count == 2)
  }

  @Test("a copy of a checkpoint has its own name, step and row of the list")
  func copies() throws {
    try copy("safetensors", to: "step-100.safetensors")
    try copy("safetensors", to: "step-200.safetensors")
    try copy("safetensors", to: "other.safetensors")
    func facts(_ rows: [[String: Any]]) -> [String] {
      rows.map { row in
        let entry = row["entry"] as? [String: Any]
        let training = entry?["training"] as? [String: Any]
        let path = (entry?["checkpoint"] as? String ?? "") as NSString
        return [
          row["state"] as? String, row["name"] as? String, entry?["name"] as? String,
          path.lastPathComponent, entry?["family"] as? String,
          (training?["step"] as? Int).map(String.init), training?["data"] as? String,
        ].map { $0 ?? "-" }.joined(separator: " ")
      }
    }
    let table = folder.path("table.csv")
    let first = try sweep(folder.path("ckpts/*"), "--json", "--csv", table)
    #expect(first.status == 0, "\(first.errors)")
    let expected = [
      "evaluated other other other.safetensors custom 15607 -",
      "cached step-100 step-100 step-100.safetensors custom 100 -",
      "cached step-200 step-200 step-200.safetensors custom 200 -",
    ]
    #expect(try facts(rows(first)) == expected)
    let lines = try String(contentsOfFile: table, encoding: .utf8).split(separator: "\n")
    #expect(
      lines.count == 4 && lines[2].hasPrefix("step-100,custom,") && lines[3].hasPrefix("step-200,"))
    #expect(lines[3].contains("step-200.safetensors,200,file name"), "\(lines[3])")
    let text = try sweep(folder.path("ckpts/*")).output
    #expect(text.contains(/step-200 +0 +200 +file name/), "\(text)")

    // Of a list every copy has its own row; the ledger has one line for the content.
    let list = folder.path("list.csv")
    try
      "checkpoint,name,family,step,data\nckpts/step-200.safetensors,best,mine,7,A\nckpts/step-100.safetensors,second,yours,8,B\n"
      .write(toFile: list, atomically: true, encoding: .utf8)
    let listed = try sweep("--list", list, "--json")
    #expect(
      try facts(rows(listed)) == [
        "cached best best step-200.safetensors mine 7 A",
        "cached second second step-100.safetensors yours 8 B",
      ])
    #expect(try ledger.map { $0["name"] as? String } == ["best"])
  }

  @Test("one bad checkpoint does not stop the others, and decides the exit status")
  func failures() throws {
    try copy("safetensors", to: "good.safetensors")
    try Data("nothing".utf8).write(to: URL(fileURLWithPath: folder.path("ckpts/bad.pt")))
    let csv = folder.path("table.csv")
    let run = try sweep(folder.path("ckpts/*"), "--csv", csv)
    #expect(run.status == 65, "\(run.errors)")
    #expect(run.output.contains("UnknownContainer") && run.output.contains("evaluated"))
    #expect(try String(contentsOfFile: csv, encoding: .utf8).hasPrefix("name,family,checkpoint"))
    let rows = try rows(try sweep(folder.path("ckpts/*"), "--json"))
    #expect(rows.map { $0["state"] as? String } == ["failed", "cached"])
    #expect((rows[0]["error"] as? [String: Any])?["code"] as? String == "UnknownContainer")
  }

  @Test("seed ranges are all reported")
  func repeats() throws {
    let run = try sweep(DisEvalProcess.checkpoint, "--repeats", "3", "--seed", "5", "--json")
    #expect(run.status == 0, "\(run.errors)")
    #expect(try rows(run).map { $0["seed"] as? Int } == [5, 6, 7])
    let summaries = try #require(try run.json()["summaries"] as? [[String: Any]])
    let summary = try #require(summaries.first { $0["metric"] as? String == "fd" })
    let values = try #require(summary["values"] as? [Double])
    #expect(Set(values).count == 3)
    let mean = values.reduce(0, +) / 3
    #expect(abs((summary["mean"] as? Double ?? 0) - mean) < 1e-9 * mean)
    let deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 2).squareRoot()
    #expect(abs((summary["standard_deviation"] as? Double ?? 0) - deviation) < 1e-9 * mean)
    #expect(summary["min"] as? Double == values.min() && summary["max"] as? Double == values.max())
    let text = try sweep(DisEvalProcess.checkpoint, "--repeats", "3", "--seed", "5")
    #expect(text.output.contains("deviation") && text.output.contains("cached"))
  }

  @Test("stopped and killed, the same command continues")
  func interrupted() throws {
    var slow = self
    slow.settings = ["--ref", DisEvalProcess.statistics, "--num", "40", "--steps", "60"]
    let arguments =
      ["sweep", "--out", out, DisEvalProcess.checkpoint, "--threads", "1"] + slow.settings
    for signal in [SIGTERM, SIGKILL] {
      let process = Process()
      process.executableURL = DisEvalProcess.executable
      process.arguments = arguments
      process.standardOutput = FileHandle.nullDevice
      process.standardError = FileHandle.nullDevice
      try process.run()
      func begun() -> Bool {
        let runs = (try? FileManager.default.subpathsOfDirectory(atPath: "\(out)/runs")) ?? []
        return runs.contains { $0.hasSuffix("run.json") }
      }
      while process.isRunning, !begun() { Thread.sleep(forTimeInterval: 0.02) }
      process.waitForWork(seconds: 0.3)
      kill(process.processIdentifier, signal)
      process.waitUntilExit()
      if signal == SIGTERM { #expect(process.terminationStatus == 75) }
      let files = try FileManager.default.subpathsOfDirectory(atPath: "\(out)/runs")
      if signal == SIGTERM { #expect(files.contains { $0.hasSuffix(".partial.safetensors") }) }
    }
    let run = try slow.sweep(DisEvalProcess.checkpoint, "--json")
    #expect(run.status == 0, "\(run.errors)")
    let fid = try DisEvalProcess(
      ["fid", "--ckpt", DisEvalProcess.checkpoint, "--json"] + slow.settings
    ).json()
    #expect(
      try ledger.map { $0["samples_sha256"] as? String } == [fid["samples_sha256"] as? String])
  }

  @Test("a watched folder's files are scored when they are whole")
  func watch() throws {
    let process = Process()
    process.executableURL = DisEvalProcess.executable
    process.arguments =
      ["sweep", "--out", out, "--watch", folder.path("ckpts"), "--every", "0.1", "--json"]
      + settings
    let output = folder.path("output")
    try Data().write(to: URL(fileURLWithPath: output))
    process.standardOutput = FileHandle(forWritingAtPath: output)
    process.standardError = FileHandle.nullDevice
    try process.run()
    func lines() -> Int {
      ((try? String(contentsOfFile: output, encoding: .utf8)) ?? "").split(separator: "\n").count
    }
    let deadline = Date(timeIntervalSinceNow: DisEvalProcess.patience)
    func wait(_ count: Int) {
      while process.isRunning, lines() < count, Date() < deadline {
        Thread.sleep(forTimeInterval: 0.1)
      }
    }
    try copy("safetensors", to: "step-1.safetensors")
    // Half a file is not taken.
    let bytes = try Data(
      contentsOf: URL(
        fileURLWithPath: DisEvalProcess.file("scripts/train_demo/fashion-dis.pt")))
    let half = URL(fileURLWithPath: folder.path("ckpts/step-2.pt"))
    try bytes.prefix(bytes.count / 2).write(to: half)
    wait(1)
    Thread.sleep(forTimeInterval: 1)
    #expect(lines() == 1)
    try bytes.write(to: half)
    wait(2)
    kill(process.processIdentifier, SIGTERM)
    process.waitUntilExit()
    #expect(process.terminationStatus == 75)
    #expect(try ledger.map { $0["name"] as? String } == ["step-1", "step-2"])
  }

  @Test(
    "what no sweep can be is refused",
    arguments: [
      ([], 64), (["x.pt", "--watch", "."], 64), (["x.pt", "--repeats", "0"], 64),
      (["x.pt", "--dialect", "all"], 64), (["x.pt", "--every", "0"], 64),
      (["nowhere/*.pt"], 66), (["--list", "nowhere.csv"], 66), (["--watch", "nowhere"], 66),
      ([DisEvalProcess.checkpoint, "--csv", "/nowhere/a.csv"], 73),
    ] as [([String], Int32)])
  func refusals(arguments: [String], status: Int32) throws {
    let run = try DisEvalProcess(["sweep", "--out", out] + settings + arguments)
    #expect(run.status == status, "\(run.errors)")
  }

  @Test func exports() throws {
    let path = folder.path("result.json")
    #expect(
      try DisEvalProcess(
        ["fid", "--ckpt", DisEvalProcess.checkpoint, "--out", path] + settings
      ).status == 0)
    let text = try DisEvalProcess("export", path, "--format", "openmetrics")
    #expect(text.status == 0 && text.output.hasSuffix("# EOF\n"), "\(text.errors)")
    #expect(text.output.contains("dis_eval_metric{name=\"fashion-dis\",family=\"custom\""))
    let dvc = try DisEvalProcess("export", path, "--format", "dvc").json()
    #expect(dvc["num"] as? Int == 12 && dvc["fd"] as? Double != nil)
    let out = folder.path("mlruns")
    #expect(try DisEvalProcess("export", path, "--format", "mlflow", "--out", out).status == 0)
    #expect(try DisEvalProcess("export", path, "--format", "mlflow").status == 64)
    #expect(try DisEvalProcess("export", folder.path("none"), "--format", "csv").status == 66)
    #expect(
      try DisEvalProcess("export", DisEvalProcess.statistics, "--format", "csv").status == 65)
  }
}
