import Foundation
import Reporting
import Results
import Testing
import _TestSupport

/// `dis-eval plot` of ledgers, results and measurements.
@Suite("plot", .blocking) struct PlotCommandTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func plot(_ arguments: [String], status: Int32 = 0, path: String? = nil) throws
    -> DisEvalProcess
  {
    let run = try DisEvalProcess(
      ["plot"] + arguments, environment: path.map { ["PATH": $0] } ?? [:])
    #expect(run.status == status, "\(run.output) \(run.errors)")
    return run
  }

  private func write(_ text: String, to name: String) throws -> String {
    try Data(text.utf8).write(to: URL(fileURLWithPath: folder.path(name)))
    return folder.path(name)
  }

  /// A ledger of one model after 100k, 200k, 400k and 1600k steps, whose FID is 400 x^-0.25 of the
  /// thousands.
  private func ledger(
    _ name: String = "ledger.jsonl", num: Int = 5000, patch: Int = 2, skip: Bool = true
  ) throws -> String {
    let lines = [100, 200, 400, 1600].map { thousands in
      let fid = 400 * pow(Double(thousands), -0.25)
      return """
        {"schema":"dis-eval-ledger/1","key":"\(name)-\(thousands)","name":"\(thousands)k","family":"s",\
        "checkpoint":"\(thousands).pt","checkpoint_sha256":"\(thousands)","num":\(num),\
        "model":{"variant":"DiS-S/\(patch)","embed_dim":384,"depth":25,"patch_size":\(patch),\
        "channels":3,"image_side":32,"skip":\(skip),"learn_sigma":false,"conditioning":"none"},\
        "parameters":28000000,"tokens":257,"training":{"step":\(thousands * 1000)},\
        "sampler":{"name":"ddpm","steps":250,"evaluations":250,"eta":0,"cfg_scale":1,"seed":0},\
        "dialect":"tf","metrics":{"fid":{"value":\(fid),"interval":[\(fid - 1),\(fid + 1)],\
        "higher_is_better":false}},"date":"2026-11-23T00:00:00Z","tool":"dis-eval 0.4.0"}
        """
    }
    return try write(lines.joined(separator: "\n") + "\n", to: name)
  }

  @Test func everyKindOfOutput() throws {
    let ledger = try ledger()
    let paths = ["f.svg", "f.png", "f.pdf", "f.json", "table.csv"].map(folder.path)
    let run = try plot([ledger] + paths.flatMap { ["--out", $0] })
    #expect(run.output.hasPrefix(paths[0]) && run.output.contains("5000 samples"), "\(run.output)")
    let beginnings = ["<?xml", "\u{89}PNG", "%PDF", "{", "# FID-5K by"]
    for (path, beginning) in zip(paths, beginnings) {
      let data = try Data(contentsOf: URL(fileURLWithPath: path))
      let text = String(decoding: data.prefix(400), as: UTF8.self)
      #expect(
        beginning == "\u{89}PNG" ? data[1] == 0x50 : text.hasPrefix(beginning),
        "\(path): \(text)")
    }
    for beside in ["f.gp", "f.dat", "f.csv"] {
      #expect(FileManager.default.fileExists(atPath: folder.path(beside)), "\(beside)")
    }
    let table = try String(contentsOfFile: paths[4], encoding: .utf8)
    #expect(table.split(separator: "\n").count { !$0.hasPrefix("#") } == 5, "\(table)")
    // The same numbers, the same bytes.
    let again = folder.path("g.pdf")
    _ = try plot([ledger, "--out", again])
    _ = try plot([ledger, "--out", paths[2]])
    let (first, second) = try (
      Data(contentsOf: URL(fileURLWithPath: paths[2])),
      Data(contentsOf: URL(fileURLWithPath: again))
    )
    #expect(isSamePicture(first, second))
  }

  @Test func aLawIsFoundAgain() throws {
    let run = try plot([
      try ledger(), "--fit", "power", "--until", "1e7", "--json", "--out", folder.path("f.csv"),
    ])
    let violation = try violation(of: Array(run.output.utf8), by: .plot)
    #expect(violation == nil, "\(violation ?? "")")
    let series = try #require((run.json()["series"] as? [[String: Any]])?.first)
    let law = try #require(series["law"] as? [String: Any])
    let exponent = try #require(law["exponent"] as? Double)
    #expect(abs(exponent + 0.25) < 1e-9)
    #expect(
      (try run.json()["notes"] as? [String])?.contains { $0.contains("extrapolation") } == true)
  }

  /// A folder of a sweep is its ledger, and texts are those that are given.
  @Test func folderOfASweepWithItsOwnTexts() throws {
    let sweep = folder.path("sweep")
    try FileManager.default.createDirectory(atPath: sweep, withIntermediateDirectories: false)
    try FileManager.default.copyItem(atPath: try ledger(), toPath: "\(sweep)/ledger.jsonl")
    let out = folder.path("f.svg")
    let run = try plot([
      sweep, "--fit", "power", "--out", out, "--size", "3.3x2.4in", "--no-caption", "--title",
      "A title", "--xlabel", "Optimiser steps", "--ylabel", "FID",
    ])
    let svg = try String(contentsOfFile: out, encoding: .utf8)
    for text in ["A title", "Optimiser steps", "FID"] {
      #expect(svg.contains("[\(text)]") || svg.contains(">\(text)<"), "\(text)")
    }
    #expect(!svg.contains("5000 samples") && run.output.contains("5000 samples"))
    #expect(svg.contains("width=\"3.3in\" height=\"2.4in\""))
    #expect(
      run.output.contains(
        "FID-5K = 2.25·10³ · S⁻⁰·²⁵ (exponent −0.25 [−0.25, −0.25], R² 1.000, 4 points)"),
      "\(run.output)")
    // An output in the place of the ledger is refused.
    let ledger = try plot([sweep, "--out", "\(sweep)/ledger.jsonl"], status: 64)
    #expect(ledger.errors.contains("--out"))
  }

  @Test func recipesMakeFamilies() throws {
    let files = [
      try ledger("a.jsonl"), try ledger("b.jsonl", patch: 4), try ledger("c.jsonl", skip: false),
    ]
    func names(_ files: [String], _ recipe: String) throws -> [String] {
      let run = try plot(files + ["--recipe", recipe, "--out", folder.path("f.csv"), "--json"])
      return (try run.json()["series"] as? [[String: Any]] ?? []).compactMap {
        $0["name"] as? String
      }
    }
    #expect(try names([files[0], files[1]], "dis-patch-size") == ["patch size 2", "patch size 4"])
    #expect(try names([files[0], files[2]], "dis-skip") == ["long skips", "no long skips"])
    #expect(try names([files[0]], "dis-model-size") == ["DiS-S/2"])
    for recipe in ["dis-depth", "dis-width", "dis-conditioning"] {
      #expect(try names([files[0]], recipe).count == 1)
    }
    // What a recipe does not vary has to agree.
    let mixed = try plot(
      [files[0], files[1], "--recipe", "dis-skip", "--out", folder.path("m.csv")], status: 65)
    #expect(
      mixed.errors.contains("MixedSettings") && mixed.errors.contains("patch size 2, patch size 4"))
  }

  @Test func sequenceLengthIsCountedAndMeasured() throws {
    func series(_ files: [String]) throws -> [String: [Double]] {
      let run = try plot(
        files + ["--recipe", "sequence-length", "--out", folder.path("f.csv"), "--json"])
      return Dictionary(
        uniqueKeysWithValues: (try run.json()["series"] as? [[String: Any]] ?? []).map {
          (
            $0["name"] as? String ?? "",
            ($0["points"] as? [[String: Any]] ?? []).compactMap { $0["y"] as? Double }
          )
        })
    }
    let counted = try series([])
    #expect(counted.keys.sorted() == ["DiS, counted", "attention, counted"])
    // Twice the tokens: twice the operations, and towards four times those of attention.
    for (name, growth) in [("DiS, counted", 1.99...2.01), ("attention, counted", 3.4...4.0)] {
      let costs = try #require(counted[name])
      #expect(growth.contains(costs[costs.count - 1] / costs[costs.count - 2]), "\(name)")
    }
    func benchmark(_ speeds: [String: Double], _ name: String) throws -> String {
      let measurements = speeds.map {
        """
        {"name": "\($0)", "unit": "forwards", "per_second": \($1), "giga_operations": 13.6,
         "peak_gflops": 100.5}
        """
      }
      return try write(
        """
        {"schema": "dis-eval-benchmark/2", "kernels": "avx2", "threads": 2,
         "measurements": [\(measurements.joined(separator: ", "))]}
        """, to: name)
    }
    let bench = try benchmark(["dis-s2": 8, "dis-s2-1025": 2, "dis-s2-4097": 0.5], "bench.json")
    let measured = try series([bench])["DiS, measured"]
    #expect(measured == [1, 4, 16])
    let one = try benchmark(["dis-s2": 8], "one.json")
    for (file, text) in [(one, "expected at least two"), (try ledger(), "is not a result of")] {
      let run = try plot(
        [file, "--recipe", "sequence-length", "--out", folder.path("f.csv")], status: 65)
      #expect(run.errors.contains(text), "\(run.errors)")
    }
  }

  @Test func whatCannotBeDrawnIsRefused() throws {
    let ledger = try ledger()
    let out = folder.path("f.svg")
    func refused(_ arguments: [String], _ status: Int32, _ text: String, path: String? = nil) throws
    {
      let run = try plot(arguments, status: status, path: path)
      #expect(run.errors.contains(text), "\(run.errors)")
      #expect(!FileManager.default.fileExists(atPath: out))
    }
    try refused(["--out", out], 64, "Expected a ledger, a result")
    try refused([ledger, "--out", "f.gif"], 64, "expected a name that ends in")
    try refused([ledger, "--out", folder.path("a b.svg")], 64, "FileName")
    try refused([ledger, "--out", folder.path("no/f.svg")], 73, "no/f.svg")
    try refused([ledger, "--out", out, "--until", "-1"], 64, "--until")
    try refused([ledger, "--out", out, "--y", "kid"], 65, "MetricMissing")
    try refused([ledger, "--out", out, "--x", "training-images"], 65, "NothingToPlot")
    try refused([ledger, try self.ledger("o.jsonl", num: 10), "--out", out], 65, "MixedSettings")
    try refused([folder.path("none.jsonl"), "--out", out], 66, "NotFound")
    try FileManager.default.createDirectory(
      atPath: folder.path("empty"), withIntermediateDirectories: false)
    try refused([folder.path("empty"), "--out", out], 66, "is a folder without a ledger.jsonl")
    for size in ["3.3x2.4", "0x1in", "1e3x2in", "3x2", "999x2in", "50x300px"] {
      try refused([ledger, "--out", out, "--size", size], 64, "--size")
    }
    try refused([ledger, "--out", folder.path("f.pdf"), "--size", "600x400px"], 64, "no pixels")
    try refused([ledger, "--out", out, "--size", "1x1in"], 64, "PictureSize")
    try refused([DisEvalProcess.statistics, "--out", out], 65, "error")
    try refused(
      ["--recipe", "sequence-length", "--x", "tokens", "--out", out], 64, "allows only --out")
    let mixed = try plot([
      ledger, try self.ledger("o.jsonl", num: 10), "--out", folder.path("mixed.csv"),
      "--allow-mixed",
    ])
    #expect(
      mixed.output.contains("Not comparable: num: 10 samples, 5000 samples"), "\(mixed.output)")
  }

  /// gnuplot is optional: tables need none, and a picture that cannot be drawn leaves no other file.
  @Test(arguments: ["svg", "png", "pdf"])
  func withoutGnuplotNothingOrEverythingIsWritten(ending: String) throws {
    let (ledger, tables) = (try ledger(), ["f.csv", "f.json"].map(folder.path))
    let outs = (tables + [folder.path("f.\(ending)")]).flatMap { ["--out", $0] }
    let before = try FileManager.default.contentsOfDirectory(atPath: folder.path("")).sorted()
    let refused = try plot([ledger] + outs, status: 69, path: "/nowhere")
    for part in ["GnuplotMissing", "apt-get install gnuplot-nox", ".csv or .json"] {
      #expect(refused.errors.contains(part), "\(refused.errors)")
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("")).sorted() == before)
    _ = try plot([ledger] + outs.prefix(4), path: "/nowhere")
    for table in tables { #expect(FileManager.default.fileExists(atPath: table)) }
  }

  /// A script, data or table that cannot be written is found before any file is.
  @Test(arguments: ["gp", "dat", "csv"])
  func whatStandsBesideAPictureIsCheckedFirst(ending: String) throws {
    let (ledger, out) = (try ledger(), folder.path("f.svg"))
    try FileManager.default.createDirectory(
      atPath: folder.path("f.\(ending)"), withIntermediateDirectories: false)
    let run = try plot([ledger, "--out", folder.path("t.csv"), "--out", out], status: 64)
    #expect(run.errors.contains("f.\(ending)"), "\(run.errors)")
    for path in [out, folder.path("t.csv")] {
      #expect(!FileManager.default.fileExists(atPath: path))
    }
  }

  @Test func alongSettingsOfSamplingLinesAreCheckpoints() throws {
    let text = try String(contentsOfFile: ledger(), encoding: .utf8)
    let run = try plot([
      try write(text, to: "s.jsonl"), "--x", "guidance", "--out", folder.path("f.csv"), "--json",
    ])
    #expect((try run.json()["series"] as? [Any])?.count == 4)
  }

  // MARK: - Several evaluations at one place

  /// An evaluation of one model of a family.
  private func line(
    _ folder: String, step: Int, fid: Double, content: String, seed: Int = 0, name: String? = nil,
    parameters: Int = 28_000_000, sampler: String = ""
  ) -> String {
    """
    {"schema":"dis-eval-ledger/1","key":"\(content)-\(step)-\(seed)-\(sampler.count)",\
    "name":"\(name ?? String(step))","family":"DiS-S/2","checkpoint":"\(folder)/\(step).pt",\
    "checkpoint_sha256":"\(content)","num":5000,"parameters":\(parameters),\
    "gflops":{"true":2,"thop":1},"training":{"step":\(step)},\
    "sampler":{"name":"heun","steps":50,"evaluations":99,"eta":0,\(sampler.isEmpty ? "\"cfg_scale\":1" : sampler),\
    "seed":\(seed)},"dialect":"tf","metrics":{"fid":{"value":\(fid),"higher_is_better":false}}}
    """
  }

  /// The series of a drawing by name, as pairs of x and y, and the notes.
  private func series(_ lines: [String], _ more: String...) throws
    -> (series: [String: [[Double]]], notes: String)
  {
    let file = try write(lines.joined(separator: "\n") + "\n", to: "several.jsonl")
    let run = try plot([file, "--json", "--out", folder.path("several.csv")] + more)
    let series = try #require(run.json()["series"] as? [[String: Any]])
    let points = series.map { series in
      (
        series["name"] as? String ?? "?",
        (series["points"] as? [[String: Any]] ?? []).map {
          [$0["x"] as? Double ?? .nan, $0["y"] as? Double ?? .nan]
        }
      )
    }
    return (
      Dictionary(uniqueKeysWithValues: points),
      (try run.json()["notes"] as? [String] ?? []).joined(separator: "\n")
    )
  }

  @Test func differentModelsAreNotAveraged() throws {
    let runs = [
      line("runs/000/checkpoints", step: 100, fid: 20, content: "a"),
      line("runs/000/checkpoints", step: 200, fid: 10, content: "b"),
      line("runs/001/checkpoints", step: 100, fid: 40, content: "c"),
      line("runs/001/checkpoints", step: 200, fid: 30, content: "d"),
    ]
    let (lines, notes) = try series(runs)
    #expect(lines == ["000": [[100, 20], [200, 10]], "001": [[100, 40], [200, 30]]])
    #expect(notes.contains("A line for each folder of checkpoints") && !notes.contains("mean"))
    let averaged = try series(runs, "--average-seeds")
    #expect(
      averaged.series == [
        "": [[100, 20], [100, 30], [100, 40], [200, 10], [200, 20], [200, 30]]
      ])
    #expect(averaged.notes.contains("Full marks are means of 2 trainings"), "\(averaged.notes)")
    // Trainings that overlap have no place in common, and are two lines too.
    let between = [
      line("a", step: 100, fid: 20, content: "a"), line("a", step: 300, fid: 10, content: "b"),
      line("b", step: 200, fid: 40, content: "c"), line("b", step: 400, fid: 30, content: "d"),
    ]
    #expect(try series(between).series.keys.sorted() == ["a", "b"])
    // One training in several folders is one line.
    let one = (1...3).map { line("s\($0)", step: 100 * $0, fid: 9, content: "\($0)") }
    #expect(try series(one).series.keys.sorted() == [""])
  }

  @Test func whatCannotBeToldApartIsRefused() throws {
    let same = [
      line("x", step: 100, fid: 20, content: "a"), line("x", step: 100, fid: 40, content: "b"),
    ]
    let file = try write(same.joined(separator: "\n"), to: "same.jsonl")
    let out = ["--out", folder.path("same.csv")]
    let run = try plot([file] + out, status: 65)
    #expect(
      run.errors.contains("MixedModels")
        && run.errors.contains("2 different models at training-steps 100")
        && run.errors.contains("--average-seeds"), "\(run.errors)")
    #expect(!FileManager.default.fileExists(atPath: folder.path("same.csv")))
    #expect(try plot([file, "--average-seeds"] + out).output.contains("means of 2 trainings"))
    #expect(
      try plot([file, "--allow-mixed"] + out).output.contains("Not comparable: 2 different models"))
    // A law through models of several sizes does not fall apart into points.
    let sizes = [
      line("s", step: 1, fid: 20, content: "a", parameters: 1_000_000),
      line("s2", step: 1, fid: 22, content: "b", parameters: 1_000_000),
      line("m", step: 1, fid: 9, content: "c", parameters: 9_000_000),
    ]
    let law = try write(sizes.joined(separator: "\n"), to: "law.jsonl")
    #expect(try plot([law, "--x", "parameters"] + out, status: 65).errors.contains("MixedModels"))
    #expect(
      try plot([law, "--x", "parameters", "--average-seeds"] + out).output.contains(
        "means of 2 trainings"))
    // One seed cannot have two values.
    let twice = [
      line("x", step: 100, fid: 20, content: "a"),
      line("x", step: 100, fid: 21, content: "a", sampler: "\"clip\":true,\"cfg_scale\":1"),
    ]
    let other = try write(twice.joined(separator: "\n"), to: "twice.jsonl")
    #expect(
      try plot([other] + out, status: 65).errors.contains("'100' of one seed has fid 20.0 and 21.0")
    )
  }

  @Test func rangesOfSeedsAreAveraged() throws {
    let seeds = (0..<3).map { line("x", step: 100, fid: 20 + Double($0), content: "a", seed: $0) }
    let (lines, notes) = try series(seeds + [line("x", step: 200, fid: 10, content: "b")])
    #expect(lines == ["": [[100, 20], [100, 21], [100, 22], [200, 10]]])
    #expect(notes.contains("lines show the mean of 3 seeds."), "\(notes)")
  }

  @Test func samplingComputeCountsTheEvaluationsThatWereMade() throws {
    func x(_ sampler: String) throws -> Double? {
      try series(
        [line("x", step: 1, fid: 9, content: "a", sampler: sampler)], "--x", "sampling-compute"
      )
      .series.values.first?.first?.first
    }
    // 2 GFLOP each: the 99 predictions of Heun's 50 steps take 99, 198 or something between.
    #expect(try x("\"cfg_scale\":1") == 198)
    #expect(try x("\"network_evaluations\":198,\"cfg_scale\":2") == 396)
    #expect(try x("\"network_evaluations\":120,\"cfg_scale\":2") == 240)
    #expect(try x("\"network_evaluations\":99,\"cfg_scale\":0") == 198)
    // Older lines do not say how many guidance took.
    let old = try write(
      line("x", step: 1, fid: 9, content: "a", sampler: "\"cfg_scale\":2"), to: "old.jsonl")
    let run = try plot(
      [old, "--x", "sampling-compute", "--out", folder.path("old.csv")], status: 65)
    #expect(run.errors.contains("NothingToPlot"))
  }

  @Test func aKeyThatIsThereTwiceIsRefused() throws {
    let twice = line("x", step: 1, fid: 9, content: "a")
      .replacingOccurrences(of: "\"value\":9.0", with: "\"value\":1,\"value\":9.0")
    let run = try plot(
      [try write(twice, to: "twice.jsonl"), "--out", folder.path("f.csv")], status: 65)
    #expect(
      run.errors.contains("'metrics.fid': the key 'value' occurs twice"), "\(run.errors)")
  }
}
