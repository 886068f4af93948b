import Foundation
import Results
import Testing
import _TestSupport

/// `--generator`, with a generator that behaves and one that does not.
@Suite("dis-eval --generator", .blocking) struct GeneratorCommandTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static let script = DisEvalProcess.file("Tests/CommandLineTests/Fixtures/generator.sh")

  private func command(_ mode: String = "honest") -> String { "bash '\(Self.script)' \(mode)" }

  private func run(
    _ mode: String = "honest", count: Int = 40, _ more: String...,
    environment: [String: String] = [:]
  ) throws -> DisEvalProcess {
    try DisEvalProcess(
      ["fid", "--generator", command(mode), "--ref", DisEvalProcess.statistics, "--json"]
        + ["--num", "\(count)"] + more, environment: environment)
  }

  private func expectSame(_ one: DisEvalProcess, _ other: DisEvalProcess) throws {
    #expect(one.status == 0 && other.status == 0, "\(one.errors) \(other.errors)")
    let (one, other) = (try one.json(), try other.json())
    for key in ["metrics", "samples_sha256", "sample_digests", "skipped"] {
      #expect(try canonical(one[key]) == canonical(other[key]), "\(key)")
    }
  }

  // MARK: Results

  @Test func theResultRecordsTheProgram() throws {
    let result = try run("honest", count: 40, "--steps", "25", "--seed", "3").json()
    #expect(try violation(of: Array(canonical(result).utf8), by: .result) == nil)
    let provenance = try #require(result["provenance"] as? [String: Any])
    let generator = try #require(provenance["generator"] as? [String: Any])
    #expect(provenance["checkpoint"] == nil && provenance["sampler"] == nil)
    #expect(generator["command"] as? [String] == ["bash", Self.script, "honest"])
    #expect(generator["name"] as? String == "test" && generator["seed"] as? Int == 3)
    #expect(generator["differs"] as? String == "nothing" && generator["batch"] as? Int == 16)
    #expect((generator["settings"] as? [String: Any])?["steps"] as? Int == 25)
    #expect(generator["stream"] as? String == "keys of test")
  }

  @Test("are the same with a run, several processes and other threads")
  func theWayDoesNotMatter() throws {
    let plain = try run()
    let path = folder.path("run")
    try expectSame(plain, try run("honest", count: 40, "--run", path, "--unit", "16"))
    try expectSame(plain, try DisEvalProcess("merge", path, "--json"))
    try expectSame(plain, try run("honest", count: 40, "--generator-count", "2", "--threads", "1"))
    let other = try run("honest", count: 40, "--seed", "1").json()
    let hash = try plain.json()["samples_sha256"] as? String
    #expect(other["samples_sha256"] as? String != hash)
  }

  @Test("of shards are those of one run") func shards() throws {
    let path = folder.path("run")
    for shard in ["0/2", "1/2"] {
      let part = try run("honest", count: 40, "--run", path, "--unit", "8", "--shard", shard)
      #expect(part.status == 0, "\(part.errors)")
    }
    try expectSame(
      try run("honest", count: 40, "--run", folder.path("other"), "--unit", "8"),
      try DisEvalProcess("merge", path, "--json"))
  }

  @Test func classesGetLabels() throws {
    let result = try run("classes", count: 40, "--labels", "balanced").json()
    let labels = (result["provenance"] as? [String: Any])?["labels"] as? [String: Any]
    #expect(labels?["distinct"] as? Int == 10)
    #expect(try run("honest", count: 40, "--labels", "3").status == 64)
    #expect(try run("classes", count: 40, "--labels", "11").status == 65)
  }

  @Test func seedsAreRepeated() throws {
    let result = try run("honest", count: 40, "--repeats", "2").json()
    #expect(result["schema"] as? String == "dis-eval-repeats/1")
  }

  @Test func samplesAreWritten() throws {
    let process = try DisEvalProcess(
      "sample", "--generator", command(), "--num", "20", "--out", folder.path("images"), "--grid",
      folder.path("grid.png"))
    #expect(process.status == 0, "\(process.errors)")
    let images = try FileManager.default.contentsOfDirectory(atPath: folder.path("images"))
    #expect(images.count == 20)
    let saved = try DisEvalProcess(
      "fid", "--images", folder.path("images"), "--ref", DisEvalProcess.statistics, "--json")
    let made = try run("honest", count: 20)
    #expect(
      try saved.json()["samples_sha256"] as? String == made.json()["samples_sha256"] as? String)
  }

  @Test func whatItPrintsDisturbsNothing() throws {
    let process = try run("print", count: 40)
    #expect(process.status == 0)
    #expect(process.errors.contains("generator: a line on standard output"))
    #expect(process.errors.contains("generator: a line on standard error"))
  }

  @Test func noiseIsSent() throws {
    let generator = try run("noise", count: 20).json()["provenance"] as? [String: Any]
    let stream = (generator?["generator"] as? [String: Any])?["stream"] as? String
    #expect(stream == "dis-eval-1")
  }

  @Test func latentsAreDecoded() throws {
    let decoder = folder.path("decoder.safetensors")
    try #require(SyntheticDecoder.models["tiny8"]).write(to: decoder)
    func sample(_ mode: String, _ more: [String]) throws -> DisEvalProcess {
      try DisEvalProcess(
        [
          "sample", "--generator", command(mode), "--num", "5", "--out",
          folder.path("\(mode)\(more.count)"),
        ]
          + more)
    }
    let decoded = try sample("latent", ["--decoder", decoder])
    #expect(decoded.status == 0, "\(decoded.errors)")
    #expect(try sample("latent", []).status == 69)
    #expect(try sample("honest", ["--decoder", decoder]).status == 64)
    let damaged = try sample("nan", ["--decoder", decoder])
    #expect(damaged.status == 65 && damaged.errors.contains("sample 0"), "\(damaged.errors)")
  }

  /// A byte of every frame that is one level away is another last bit; one that is far away is not.
  @Test func lastBitsMayDiffer() throws {
    let (result, path) = (folder.path("result.json"), folder.path("run"))
    #expect(try run("last-bits 1", count: 100, "--out", result).status == 0)
    let kept = try run("last-bits 1", count: 100, "--run", path, "--unit", "16").json()
    let document = try jsonObject(Data(contentsOf: URL(fileURLWithPath: result))) as? [String: Any]
    #expect(kept["sample_means"] as? String == document?["sample_means"] as? String)
    #expect(try violation(of: Array(canonical(document).utf8), by: .result) == nil)
    func audit(_ change: String, _ mode: String = "last-bits 1") throws -> DisEvalProcess {
      try DisEvalProcess(
        ["gate", result, "--min", "cs=0.5", "--audit", "100", "--generator", command(mode)],
        environment: ["CHANGE": change])
    }
    let close = try audit("P")
    #expect(close.status == 0 && close.output.contains("last bits"), "\(close.output)")
    // A fifth of the first row is white.
    let far = try audit(String(repeating: "~", count: 700))
    #expect(far.status == 1, "\(far.output)")
    let again = try DisEvalProcess(
      ["rerun", result, "--generator", command("last-bits 1"), "--ref", DisEvalProcess.statistics],
      environment: ["CHANGE": "P"])
    #expect([0, 3].contains(again.status), "\(again.errors)")
  }

  // MARK: Faults

  @Test(
    "that answers wrongly ends the run with what was found",
    arguments: [
      ("text", 65, "found 'Loading weights...'"), ("not-ready", 65, "expected 'ready'"),
      ("no-name", 65, "'name': is missing"), ("side", 65, "'image' is [0, 28, 1]"),
      ("two-kinds", 65, "'image' or 'latent'"), ("die", 69, "ended with status 7"),
      ("kill", 69, "signal 9"), ("too-few", 65, "samples 0 to 15"), ("type", 65, "float32"),
      ("wrong-hash", 65, "SHA-256"), ("wrong-first", 65, "16 samples from 1"),
      ("larger", 65, "bytes"), ("negative", 65, "-1 bytes"), ("half", 69, "ended with status 0"),
      ("garbage", 65, "samples 0 to 15"), ("error", 69, "out of memory on the device"),
    ])
  func wrongAnswers(mode: String, status: Int32, text: String) throws {
    for more in [[], ["--run", folder.path(mode)]] {
      let process = try DisEvalProcess(
        ["fid", "--generator", command(mode), "--ref", DisEvalProcess.statistics, "--num", "40"]
          + more)
      #expect(process.status == status && process.errors.contains(text), "\(process.errors)")
      #expect(process.output.isEmpty)
    }
  }

  @Test func whatCannotBeStartedIsRefused() throws {
    func status(_ command: String) throws -> Int32 {
      try DisEvalProcess(
        "fid", "--generator", command, "--ref", DisEvalProcess.statistics, "--num", "40"
      ).status
    }
    #expect(try status("no-such-program-anywhere") == 69)
    // One that takes long to load is not started if something else is missing.
    let (mark, missing) = (folder.path("started"), folder.path("missing.npz"))
    let early = try DisEvalProcess("fid", "--generator", "touch \(mark)", "--ref", missing)
    #expect(early.status == 66 && early.errors.contains(missing), "\(early.errors)")
    #expect(!FileManager.default.fileExists(atPath: mark))
    #expect(try status("/etc/passwd") == 69)
    #expect(try status("bash 'unfinished") == 64)
    #expect(try status("") == 64 && status("  ") == 64)
    // A dollar sign, a star and a bar mean nothing.
    #expect(try status("bash \(Self.script) honest | $HOME *") == 0)
  }

  @Test func settingsMustBeConfirmed() throws {
    let process = try run("honest", count: 40, "--cfg-scale", "2")
    #expect(process.status == 65 && process.errors.contains("'cfg_scale'"), "\(process.errors)")
    #expect(try run("honest", count: 40, "--steps", "30").status == 65)
  }

  @Test func aSlowAnswerEndsTheRun() throws {
    for mode in ["hang-at-hello", "hang-at 2"] {
      let process = try run(
        mode, count: 40, "--generator-timeout", "1", "--run", folder.path("slow"))
      #expect(process.status == 69 && process.errors.contains("--generator-timeout"))
    }
    // Everything before the hang is kept, and nothing is left of the program.
    try expectSame(run(), run("honest", count: 40, "--run", folder.path("slow")))
  }

  @Test("that ends at any frame is started again, as long as it makes progress")
  func restarts() throws {
    let plain = try run("honest", count: 100)
    for number in [2, 3, 5] {
      let path = folder.path("die-\(number)")
      let process = try run("die-at \(number)", count: 100, "--run", path, "--unit", "16")
      #expect(process.errors.contains("started again"))
      let values = [try process.json(), try plain.json()].map { $0["samples_sha256"] as? String }
      #expect(values[0] == values[1])
    }
    let process = try run("die-at 1", count: 100)
    #expect(process.status == 69 && process.errors.contains("3 times"), "\(process.errors)")
  }

  @Test("images of one colour are refused in a run without others") func constantImages()
    throws
  {
    let process = try run("constant", count: 40, "--run", folder.path("run"))
    #expect(process.status == 65 && process.errors.contains("ConstantImage"), "\(process.errors)")
    // A model that was not trained for long may draw a few; a distance describes them.
    let few = try run("one-constant", count: 40, "--run", folder.path("few"))
    #expect(few.status == 0 && few.errors.contains("have a single colour"), "\(few.errors)")
  }

  @Test func aRunIsOfOneProgram() throws {
    let path = folder.path("run")
    #expect(try run("honest", count: 20, "--run", path).status == 0)
    let other = try run(
      "honest", count: 40, "--run", path, environment: ["WEIGHTS": "2"])
    #expect(other.status == 73 && other.errors.contains("weights_sha256"), "\(other.errors)")
    // The command of the same weights may change.
    let moved = folder.path("moved.sh")
    try FileManager.default.copyItem(atPath: Self.script, toPath: moved)
    let process = try DisEvalProcess(
      "fid", "--generator", "bash \(moved)", "--ref", DisEvalProcess.statistics, "--num", "40",
      "--run", path)
    #expect(process.status == 0, "\(process.errors)")
  }

  // MARK: Interruptions

  @Test("that is killed leaves a run that continues, and no process") func kills() throws {
    let plain = try run("honest", count: 96)
    for (round, target) in ["dis-eval", "generator", "both"].enumerated() {
      let path = folder.path(target)
      let process = Process()
      process.executableURL = DisEvalProcess.executable
      process.arguments = [
        "fid", "--generator", command(), "--ref", DisEvalProcess.statistics, "--num", "96",
        "--run", path, "--unit", "8", "--quiet",
      ]
      process.environment = ProcessInfo.processInfo.environment
        .merging(["PAUSE": "0.1", "BATCH": "8"]) { $1 }
      process.standardOutput = FileHandle.nullDevice
      try process.run()
      process.waitForWork(seconds: 0.1 + 0.05 * Double(round))
      let children = Self.children(of: process.processIdentifier)
      if target != "generator" { kill(process.processIdentifier, SIGKILL) }
      if target != "dis-eval" { for child in children { kill(child, SIGKILL) } }
      process.waitUntilExit()
      let again = try run("honest", count: 96, "--run", path, environment: ["BATCH": "8"])
      #expect(again.status == 0, "\(again.errors)")
      let hashes = [try again.json(), try plain.json()].map { $0["samples_sha256"] as? String }
      #expect(hashes[0] == hashes[1])
      for child in children {
        for _ in 0..<500 where kill(child, 0) == 0 { Thread.sleep(forTimeInterval: 0.01) }
        #expect(kill(child, 0) != 0, "the generator goes on")
      }
    }
  }

  @Test func signalsArePassedOn() throws {
    let process = Process()
    process.executableURL = DisEvalProcess.executable
    process.arguments = [
      "fid", "--generator", command("hang-at 2"), "--ref", DisEvalProcess.statistics, "--num",
      "96", "--run", folder.path("run"), "--unit", "16",
    ]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    let unit = folder.path("run/units/000000-16.safetensors")
    for _ in 0..<6000 where !FileManager.default.fileExists(atPath: unit) {
      Thread.sleep(forTimeInterval: 0.01)
    }
    let children = Self.children(of: process.processIdentifier)
    #expect(!children.isEmpty)
    kill(process.processIdentifier, SIGTERM)
    process.waitUntilExit()
    #expect(process.terminationReason == .exit && process.terminationStatus == 75)
    for child in children { #expect(kill(child, 0) != 0) }
  }

  /// The processes that a process started, by the fourth field of `stat` (proc(5)).
  private static func children(of parent: Int32) -> [Int32] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap(Int32.init).filter { process in
      guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
        let end = text.lastIndex(of: ")")
      else { return false }
      let fields = text[text.index(after: end)...].split(separator: " ")
      return fields.count > 1 && fields[1] == "\(parent)"
    }
  }

  // MARK: A result is data

  @Test("Commands that a result or a run names are never run") func commandsOfResults() throws {
    let (result, path, mark) = (
      folder.path("result.json"), folder.path("run"), folder.path("planted")
    )
    let made = try run("honest", count: 40, "--run", path, "--out", result)
    #expect(made.status == 0)
    for file in [result, "\(path)/run.json"] {
      var text = try String(contentsOfFile: file, encoding: .utf8)
      text = text.replacing("\"\(Self.script)\"", with: "\"-c\", \"touch \(mark)\"")
      #expect(text.contains("touch"))
      try text.write(toFile: file, atomically: true, encoding: .utf8)
    }
    for arguments in [
      ["rerun", result, "--ref", DisEvalProcess.statistics],
      ["gate", result, "--min", "cs=0.5", "--audit", "5"], ["gate", result, "--max", "fd=1e9"],
      ["report", result, "--out", folder.path("page.html")],
      ["report", result, "--out", folder.path("page.html"), "--run", path],
      ["merge", path], ["inspect", path], ["inspect", result],
      ["compare", result, result], ["export", result, "--to", "csv"],
    ] {
      let process = try DisEvalProcess(arguments)
      #expect(!FileManager.default.fileExists(atPath: mark), "\(arguments)")
      if ["rerun"].contains(arguments[0]) || arguments.contains("--audit") {
        #expect(process.status == 66, "\(process.errors)")
        #expect(process.errors.contains("touch") && process.errors.contains("--generator"))
      }
    }
  }

  @Test func resultsAreMadeAgainByACommandThatIsGiven() throws {
    let result = folder.path("result.json")
    #expect(try run("honest", count: 100, "--out", result).status == 0)
    let again = try DisEvalProcess(
      "rerun", result, "--generator", command(), "--ref", DisEvalProcess.statistics)
    #expect(again.status == 0 && again.output.hasPrefix("identical"), "\(again.errors)")
    let audit = try DisEvalProcess(
      "gate", result, "--min", "cs=0.5", "--audit", "9", "--generator", command())
    #expect(audit.status == 0, "\(audit.errors)")
    let page = try DisEvalProcess(
      "report", result, "--out", folder.path("page.html"), "--generator", command(), "--num", "4")
    #expect(page.status == 0, "\(page.errors)")
    let other = try DisEvalProcess(
      ["rerun", result, "--generator", command(), "--ref", DisEvalProcess.statistics],
      environment: ["WEIGHTS": "2"])
    #expect(other.status == 65 && other.errors.contains("OtherGenerator"), "\(other.errors)")
    // Other weights are judged against a baseline with its settings.
    let judged = try DisEvalProcess(
      [
        "gate", "--generator", command(), "--ref", DisEvalProcess.statistics, "--baseline", result,
      ],
      environment: ["WEIGHTS": "2"])
    #expect([0, 3].contains(judged.status), "\(judged.errors)")
  }

  /// What was asked for is asked for again.
  @Test func settingsAreRepeated() throws {
    let result = folder.path("result.json")
    #expect(try run("steps", count: 40).status == 69)
    #expect(try run("steps", count: 40, "--steps", "25", "--out", result).status == 0)
    let again = try DisEvalProcess(
      "rerun", result, "--generator", command("steps"), "--ref", DisEvalProcess.statistics)
    #expect(again.status == 0 && again.output.hasPrefix("identical"), "\(again.errors)")
    let judged = try DisEvalProcess(
      "gate", "--generator", command("steps"), "--ref", DisEvalProcess.statistics, "--baseline",
      result)
    #expect([0, 3].contains(judged.status), "\(judged.errors)")
  }

  /// A signal while the program loads its model ends both.
  @Test func signalsBeforeTheFirstAnswer() throws {
    let process = Process()
    process.executableURL = DisEvalProcess.executable
    process.arguments = [
      "fid", "--generator", command("hang-at-hello"), "--ref", DisEvalProcess.statistics, "--num",
      "96", "--run", folder.path("run"),
    ]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    var children: [Int32] = []
    for _ in 0..<6000 where children.isEmpty {
      Thread.sleep(forTimeInterval: 0.01)
      children = Self.children(of: process.processIdentifier)
    }
    kill(process.processIdentifier, SIGTERM)
    process.waitUntilExit()
    #expect(process.terminationReason == .exit && process.terminationStatus == 75)
    for child in children { #expect(kill(child, 0) != 0) }
  }

  @Test("Samples of which everything may differ are never paired") func everythingMayDiffer() throws
  {
    let (one, other) = (folder.path("one.json"), folder.path("other.json"))
    for path in [one, other] {
      #expect(try run("everything", count: 40, "--out", path).status == 0)
    }
    #expect(try DisEvalProcess("compare", one, other, "--json").json()["paired"] as? Bool == false)
    let again = try DisEvalProcess(
      "rerun", one, "--generator", command("everything"), "--ref", DisEvalProcess.statistics)
    #expect(again.status == 65, "\(again.errors)")
    for path in [one, other] { #expect(try run("honest", count: 40, "--out", path).status == 0) }
    #expect(try DisEvalProcess("compare", one, other, "--json").json()["paired"] as? Bool == true)
  }

  // MARK: Sweeps

  @Test func aListNamesGenerators() throws {
    let list = folder.path("list.csv")
    try """
    generator,name,family
    bash \(Self.script) honest,first,a
    bash \(Self.script) classes,second,b
    """.write(toFile: list, atomically: true, encoding: .utf8)
    let arguments = [
      "sweep", "--list", list, "--ref", DisEvalProcess.statistics, "--num", "40", "--out",
      folder.path("sweep"), "--json",
    ]
    func states(_ process: DisEvalProcess) throws -> [String?] {
      let rows = try #require(try process.json()["rows"] as? [[String: Any]])
      return rows.map { $0["state"] as? String }
    }
    #expect(try states(DisEvalProcess(arguments)) == ["evaluated", "evaluated"])
    #expect(try states(DisEvalProcess(arguments)) == ["cached", "cached"])
    let other = try DisEvalProcess(arguments, environment: ["WEIGHTS": "2"])
    #expect(try states(other) == ["evaluated", "evaluated"])
    try "generator\ntrue\n".write(toFile: list, atomically: true, encoding: .utf8)
    #expect(try DisEvalProcess(arguments).status == 65)
  }
}
