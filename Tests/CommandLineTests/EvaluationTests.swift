import Checkpoints
import DisEval
import Foundation
import Tensors
import Testing
import Work
import _TestSupport

@Suite("dis-eval fid", .blocking) struct FIDCommandTests {
  static let fast = [
    "--sampler", "dpm-solver++", "--steps", "4", "--cfg-scale", "1.5", "--num", "40",
  ]

  /// The demo's result does not depend on how the work was divided: neither do the samples.
  @Test func threadsAndBatchNeverChangeAByte() throws {
    let folder = try TemporaryFolder()
    var results: [[String: Any]] = []
    var images: [Data] = []
    for (threads, batch) in [("1", "7"), ("2", "7"), ("1", "32"), ("2", "32"), ("3", "1")] {
      let archive = folder.path("\(threads)-\(batch).npz")
      let run = try DisEvalProcess(
        ["fid", "--ckpt", DisEvalProcess.checkpoint, "--ref", DisEvalProcess.statistics]
          + Self.fast + ["--threads", threads, "--batch", batch, "--json"]
          + ["--save-images", archive])
      #expect(run.status == 0, "\(run.errors)")
      results.append(try run.json())
      images.append(try Data(contentsOf: URL(fileURLWithPath: archive)))
    }
    for key in ["metrics", "provenance", "samples_sha256", "skipped", "schema"] {
      let first = try canonical(results[0][key])
      for result in results.dropFirst() { #expect(try canonical(result[key]) == first) }
    }
    for data in images.dropFirst() { #expect(data == images[0]) }
  }

  @Test func theResultSaysWhatItWasMadeFrom() throws {
    let folder = try TemporaryFolder()
    let (out, grid) = (folder.path("result.json"), folder.path("grid.png"))
    let run = try DisEvalProcess(
      ["fid", "--ckpt", DisEvalProcess.checkpoint, "--ref", DisEvalProcess.statistics]
        + Self.fast + ["--json", "--out", out, "--grid", grid])
    #expect(run.status == 0, "\(run.errors)")
    let result = try run.json()
    let metrics = try #require(result["metrics"] as? [String: [String: Any]])
    #expect(Set(metrics.keys) == ["fd", "cs"], "only the Inception-2015 graph gives a fid")
    #expect(metrics["fd"]?["value"] is Double && metrics["cs"]?["interval"] is [Double])
    #expect((metrics["fd"]?["floor"] as? [String: Any])?["value"] is Double)
    let provenance = try #require(result["provenance"] as? [String: Any])
    for key in [
      "tool", "kernels", "dialect", "num", "checkpoint", "sampler", "extractor", "reference",
    ] { #expect(provenance[key] != nil, "\(key)") }
    #expect(
      (provenance["checkpoint"] as? [String: Any])?["sha256"] as? String
        == (try sha256(DisEvalProcess.checkpoint)))
    #expect(try String(contentsOfFile: out, encoding: .utf8) == run.output)
    let png = try Data(contentsOf: URL(fileURLWithPath: grid))
    #expect(png.starts(with: [0x89, 0x50, 0x4E, 0x47]))
    let leftovers = try FileManager.default.contentsOfDirectory(atPath: folder.url.path)
    #expect(Set(leftovers) == ["result.json", "grid.png"])
  }

  /// What coreutils says.
  func sha256(_ path: String) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/sha256sum")
    process.arguments = [path]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: data.prefix(64), as: UTF8.self)
  }

  /// Samples written as PNG files and as an archive are scored like the samples themselves.
  @Test func savedImagesScoreTheSame() throws {
    let folder = try TemporaryFolder()
    let direct = try DisEvalProcess(
      ["fid", "--ckpt", DisEvalProcess.checkpoint, "--ref", DisEvalProcess.statistics]
        + Self.fast + ["--json", "--save-images", folder.path("png")])
    for name in ["all.npz", "all.zip"] {
      let sampled = try DisEvalProcess(
        ["sample", "--ckpt", DisEvalProcess.checkpoint] + Self.fast
          + ["--out", folder.path(name)])
      #expect(sampled.status == 0, "\(sampled.errors)")
    }
    for path in ["png", "all.npz", "all.zip"] {
      let scored = try DisEvalProcess(
        "fid", "--images", folder.path(path), "--ref", DisEvalProcess.statistics, "--json")
      #expect(scored.status == 0, "\(scored.errors)")
      // The hash is of the bytes, and in the array grey is repeated.
      for key in path == "all.npz" ? ["metrics"] : ["metrics", "samples_sha256"] {
        #expect(try canonical(scored.json()[key]) == canonical(direct.json()[key]), "\(path)")
      }
    }
  }

  @Test func aSetAgainstItselfIsZero() throws {
    let run = try DisEvalProcess(
      "fid", "--images", DisEvalProcess.statistics, "--ref", DisEvalProcess.statistics, "--json")
    #expect(run.status == 0, "\(run.errors)")
    let metrics = try #require(try run.json()["metrics"] as? [String: [String: Any]])
    let value = try #require(metrics["fd"]?["value"] as? Double)
    #expect(value >= 0 && value < 1e-6)
    #expect(try run.json()["skipped"] as? [String: String] != [:])
  }

  @Test func statisticsMadeHereAreReadHere() throws {
    let folder = try TemporaryFolder()
    let images = folder.path("images.npz")
    try #require(
      try DisEvalProcess(
        ["sample", "--ckpt", DisEvalProcess.checkpoint] + Self.fast + ["--out", images]
      ).status == 0)
    let statistics = folder.path("stats.npz")
    let made = try DisEvalProcess(
      "stats", "make", "--images", images, "--weights", DisEvalProcess.extractor, "--dataset",
      "test",
      "--split", "all", "--keep-features", "10", "--held-out", images, "--out", statistics)
    #expect(made.status == 0, "\(made.errors)")
    let file = try NPZ.read(statistics)
    #expect(file.names == ["mu", "sigma", "features"])
    #expect(try file.array("mu").shape == [128] && file.array("features").shape == [10, 128])
    // The record names the extractor, which is not beside this file: it is asked for.
    let missing = try DisEvalProcess("fid", "--images", images, "--ref", statistics)
    #expect(missing.status == 69 && missing.errors.contains("WeightsUnavailable"))
    let scored = try DisEvalProcess(
      "fid", "--images", images, "--ref", statistics, "--weights", DisEvalProcess.extractor,
      "--json")
    #expect(scored.status == 0, "\(scored.errors)")
    let metrics = try #require(try scored.json()["metrics"] as? [String: [String: Any]])
    #expect(try #require(metrics["fd"]?["value"] as? Double) < 1e-6)
  }
}

@Suite("dis-eval sample", .blocking) struct SampleCommandTests {
  @Test("a sample does not depend on how many are drawn, nor on threads")
  func prefixes() throws {
    let folder = try TemporaryFolder()
    var raw: [[Float]] = []
    for (name, count, threads) in [("a", "3", "1"), ("b", "11", "2")] {
      let path = folder.path("\(name).npy")
      let run = try DisEvalProcess(
        "sample", "--ckpt", DisEvalProcess.checkpoint, "--num", count, "--steps", "5", "--seed",
        "7", "--threads", threads, "--raw-out", path)
      #expect(run.status == 0, "\(run.errors)")
      raw.append(try NPYArray.read(path).floats())
    }
    #expect(raw[0] == Array(raw[1].prefix(raw[0].count)))
    #expect(raw[0].count == 3 * 28 * 28)
  }

  /// The scalar kernels are the oracle of the vector ones, through all layers and steps.
  static let kernelPaths = knownInstructionSets.filter(\.isAvailable).map(\.name)

  @Test("every kernel path gives the same samples up to rounding", arguments: kernelPaths)
  func kernels(path: String) throws {
    let folder = try TemporaryFolder()
    func samples(_ name: String, _ environment: [String: String]) throws -> [Float] {
      let run = try DisEvalProcess(
        [
          "sample", "--ckpt", DisEvalProcess.checkpoint, "--num", "2", "--steps", "5",
          "--raw-out", folder.path(name),
        ], environment: environment)
      #expect(run.status == 0, "\(run.errors)")
      return try NPYArray.read(folder.path(name)).floats()
    }
    let worst = worst(
      try samples("a.npy", ["DIS_EVAL_KERNELS": path]), try samples("b.npy", [:]))
    #expect(worst.relative <= 1e-4, "\(worst)")
  }

  @Test func labelsSelectTheClass() throws {
    let folder = try TemporaryFolder()
    let labels = folder.path("y.npy")
    try NPYArray(integers: [3, 3, 10], shape: [3]).write(to: labels)
    for policy in ["uniform", "balanced", "4", "10", labels] {
      let run = try DisEvalProcess(
        "sample", "--ckpt", DisEvalProcess.checkpoint, "--num", "3", "--steps", "2", "--labels",
        policy, "--raw-out", folder.path("s.npy"))
      #expect(run.status == 0, "\(policy): \(run.errors)")
    }
    for (policy, status) in [("11", 65), ("-1", 65), ("some", 64)] as [(String, Int32)] {
      let run = try DisEvalProcess(
        "sample", "--ckpt", DisEvalProcess.checkpoint, "--labels=\(policy)", "--raw-out",
        folder.path("s.npy"))
      #expect(run.status == status, "\(policy): \(run.errors)")
    }
  }

  @Test func theTwoQuantisersDiffer() throws {
    let folder = try TemporaryFolder()
    var images: [[UInt8]] = []
    for quantizer in ["dit", "adm"] {
      let path = folder.path("\(quantizer).npz")
      let run = try DisEvalProcess(
        "sample", "--ckpt", DisEvalProcess.checkpoint, "--num", "2", "--steps", "3",
        "--quantizer", quantizer, "--out", path)
      #expect(run.status == 0, "\(run.errors)")
      images.append(try NPZ.read(path).array("arr_0").bytes)
    }
    let differences = Set(zip(images[0], images[1]).map { Int($0) - Int($1) })
    #expect(differences == [0, 1])
  }
}

@Suite("dis-eval inspect and help", .blocking) struct InspectCommandTests {
  @Test func aCheckpointIsDescribed() throws {
    let run = try DisEvalProcess("inspect", DisEvalProcess.checkpoint, "--json")
    #expect(run.status == 0, "\(run.errors)")
    let document = try run.json()
    #expect(document["kind"] as? String == "checkpoint")
    #expect(document["architecture"] as? String == "DiS")
    let model = try #require(document["model"] as? [String: Any])
    #expect(model["num_classes"] as? Int == 10 && model["image_side"] as? Int == 28)
  }

  @Test func trainingCheckpointsKeepTheirArgumentsInert() throws {
    let run = try DisEvalProcess(
      "inspect", DisEvalProcess.file("scripts/train_demo/fashion-dis.pt"), "--json")
    #expect(run.status == 0, "\(run.errors)")
    #expect(try run.json()["inert_classes"] as? [String] == ["argparse.Namespace"])
  }

  @Test("every kind of file is recognised")
  func kinds() throws {
    let folder = try TemporaryFolder()
    let array = folder.path("x.npy")
    try NPYArray(floats: [1, 2], shape: [2]).write(to: array)
    for (path, kind) in [
      (DisEvalProcess.statistics, "statistics"), (DisEvalProcess.extractor, "checkpoint"),
      (array, "array"),
    ] {
      let run = try DisEvalProcess("inspect", path, "--json")
      #expect(run.status == 0, "\(run.errors)")
      #expect(try run.json()["kind"] as? String == kind)
    }
  }

  @Test(
    "help is on standard output",
    arguments: [[], ["fid"], ["sample"], ["stats", "make"], ["inspect"], ["bench"]])
  func help(verb: [String]) throws {
    let run = try DisEvalProcess(verb + ["--help"])
    #expect(run.status == 0 && run.errors.isEmpty)
    #expect(run.output.contains("USAGE") && run.output.contains("dis-eval"))
  }

  /// Name and version, then what a script needs to know whether a run can be continued here.
  @Test func versionSaysTheKernels() throws {
    let run = try DisEvalProcess("--version")
    #expect(run.status == 0 && run.output == Tool.versionAndKernels + "\n")
    let scalar = try DisEvalProcess("--version", environment: ["DIS_EVAL_KERNELS": "scalar"])
    let lines = scalar.output.split(separator: "\n")
    #expect(lines.count == 2 && lines.first == "dis-eval \(Tool.version)")
    #expect(lines.last?.hasPrefix("kernels: scalar, bf16 by scalar, OpenBLAS ") == true)
  }
}
