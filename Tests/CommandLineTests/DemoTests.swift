import Checkpoints
import FeatureExtractors
import Foundation
import Images
import Testing
import _TestSupport

/// The trained model of the repository does what the README says, at a size that tests can afford.
@Suite("The demo model", .blocking) struct DemoTests {
  static let settings = ["--sampler", "dpm-solver++", "--steps", "16", "--cfg-scale", "2"]

  @Test func samplesAreOfTheClassAskedFor() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("samples.npz")
    let run = try DisEvalProcess(
      ["sample", "--ckpt", DisEvalProcess.checkpoint, "--num", "300", "--labels", "balanced"]
        + Self.settings + ["--out", path])
    #expect(run.status == 0, "\(run.errors)")
    let images = try ImageSource(path: path)
    let classifier = try loadExtractor(path: DisEvalProcess.extractor)
    let agreeing = try (0..<images.count).count { index in
      let logits = try classifier(images.image(at: index), .pytorch).logits
      return logits.firstIndex(of: logits.max() ?? 0) == index % 10
    }
    #expect(agreeing >= images.count * 8 / 10, "\(agreeing) of \(images.count)")
  }

  @Test func samplesAreFarBetterThanNoise() throws {
    let folder = try TemporaryFolder()
    var random = SeededGenerator(seed: 1)
    let noise = folder.path("noise.npz")
    let pixels = (0..<500 * 28 * 28).map { _ in UInt8.random(in: 0...255, using: &random) }
    try NPZ.write(
      [("arr_0", NPYArray(bytes: pixels, shape: [500, 28, 28, 1]))], to: noise)
    func distance(_ arguments: [String]) throws -> Double {
      let run = try DisEvalProcess(
        ["fid", "--ref", DisEvalProcess.statistics, "--json"] + arguments)
      #expect(run.status == 0, "\(run.errors)")
      let metrics = try #require(try run.json()["metrics"] as? [String: [String: Any]])
      return try #require(metrics["fd"]?["value"] as? Double)
    }
    let ofNoise = try distance(["--images", noise])
    let ofSamples = try distance(
      ["--ckpt", DisEvalProcess.checkpoint, "--num", "500"] + Self.settings)
    #expect(ofSamples <= ofNoise / 20, "\(ofSamples) against \(ofNoise)")
  }

  @Test func filesFitTheirBudget() throws {
    for (path, limit) in [
      ("scripts/train_demo/fashion-dis.safetensors", 5_000_000),
      ("scripts/train_demo/fashion-dis.pt", 5_000_000),
      ("scripts/train_demo/fashion-uvit.safetensors", 3_000_000),
      ("reference_stats/fashion-mnist-train.npz", 5_000_000),
      ("reference_stats/fashion-mnist-extractor.safetensors", 1_000_000),
    ] {
      let size = try Data(contentsOf: DisEvalProcess.root.appendingPathComponent(path)).count
      #expect(size <= limit, "\(path): \(size) bytes")
    }
    // One sample: 16 steps, each with and without its class.
    let model = try #require(
      try DisEvalProcess("inspect", DisEvalProcess.checkpoint, "--json").json()["model"]
        as? [String: Any])
    #expect(32 * (try #require(model["gflops"] as? Double)) <= 2.5)
  }

  /// The recipe of the README, with fewer samples.
  @Test func bothFamiliesAreScoredByOneProtocol() throws {
    let folder = try TemporaryFolder()
    let (sweep, csv) = (folder.path("sweep"), folder.path("demo.csv"))
    let scored = try DisEvalProcess(
      [
        "sweep", DisEvalProcess.file("scripts/train_demo/fashion-*.safetensors"), "--null-class",
        "10",
        "--num", "200", "--ref", DisEvalProcess.statistics, "--out", sweep,
      ] + Self.settings)
    #expect(scored.status == 0, "\(scored.errors)")
    let drawn = try DisEvalProcess(
      "plot", "\(sweep)/ledger.jsonl", "--x", "gflops", "--family", "backbone", "--out", csv)
    #expect(drawn.status == 0, "\(drawn.errors)")
    let table = try String(contentsOfFile: csv, encoding: .utf8)
    for line in ["dis,fashion-dis,0.0757", "uvit,fashion-uvit,0.0679"] {
      #expect(table.contains(line), "\(table)")
    }
  }

  /// The `.pt` of training and the `.safetensors` are the same weights.
  @Test func bothFilesGiveTheSameSamples() throws {
    let folder = try TemporaryFolder()
    var samples: [Data] = []
    for name in ["fashion-dis.pt", "fashion-dis.safetensors"] {
      let path = folder.path("\(name).npy")
      let run = try DisEvalProcess(
        "sample", "--ckpt", DisEvalProcess.file("scripts/train_demo/\(name)"), "--num", "2",
        "--steps", "3", "--raw-out", path)
      #expect(run.status == 0, "\(run.errors)")
      samples.append(try Data(contentsOf: URL(fileURLWithPath: path)))
    }
    #expect(samples[0] == samples[1])
  }
}
