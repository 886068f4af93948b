import Checkpoints
import Foundation
import Testing
import _TestSupport

@Suite("Given noise", .blocking) struct GivenNoiseTests {
  static let runs: [(name: String, options: [String])] = [
    ("ddpm13", ["--sampler", "ddpm", "--respacing", "13"]),
    ("ddpm20clip", ["--sampler", "ddpm", "--steps", "20", "--clip"]),
    ("ddim25", ["--sampler", "ddim", "--respacing", "ddim25"]),
    ("sections", ["--respacing", "10,5,5"]),
    ("ddim10eta", ["--sampler", "ddim", "--steps", "10", "--eta", "0.5", "--clip"]),
  ]

  /// The original's own sampling loop, through the command line.
  @Test("agrees with the original", arguments: runs)
  func parity(name: String, options: [String]) throws {
    let folder = try TemporaryFolder()
    let checkpoint = folder.path("model.safetensors")
    try #require(SyntheticDiS.models["small"]).write(to: URL(fileURLWithPath: checkpoint))
    func fixture(_ part: String) -> String {
      DisEvalProcess.file("Tests/DiffusionTests/Fixtures/\(name).\(part).npy")
    }
    let run = try DisEvalProcess(
      ["sample", "--ckpt", checkpoint, "--noise", fixture("z"), "--step-noise", fixture("noise")]
        + options + ["--raw-out", folder.path("s.npy")])
    #expect(run.status == 0, "\(run.errors)")
    let worst = worst(
      try NPYArray.read(folder.path("s.npy")).doubles(),
      try NPYArray.read(fixture("s64")).doubles())
    #expect(worst.relative <= 1e-4, "\(worst)")
  }

  /// The original draws noise for the unconditional half of its batch too; only the first half counts.
  @Test func guidanceAgreesWithTheOriginal() throws {
    let folder = try TemporaryFolder()
    let checkpoint = folder.path("model.safetensors")
    try #require(SyntheticDiS.models["width50"]).write(to: URL(fileURLWithPath: checkpoint))
    func fixture(_ part: String) -> String {
      DisEvalProcess.file("Tests/DiffusionTests/Fixtures/cfgdouble.\(part).npy")
    }
    let noise = try NPYArray.read(fixture("noise"))
    let count = try NPYArray.read(fixture("z")).shape[0]
    let image = noise.shape.dropFirst(2).reduce(1, *)
    let step = noise.shape[1] * image
    let values = noise.floats()
    let kept = (0..<noise.shape[0]).flatMap { values[$0 * step..<$0 * step + count * image] }
    let stepNoise = folder.path("e.npy")
    try NPYArray(floats: kept, shape: [noise.shape[0], count] + noise.shape.dropFirst(2))
      .write(to: stepNoise)
    let run = try DisEvalProcess(
      "sample", "--ckpt", checkpoint, "--noise", fixture("z"), "--step-noise", stepNoise,
      "--labels", fixture("y"), "--respacing", "25", "--cfg-scale", "1.5", "--cfg-channels",
      "first3", "--raw-out", folder.path("s.npy"))
    #expect(run.status == 0, "\(run.errors)")
    let worst = worst(
      try NPYArray.read(folder.path("s.npy")).doubles(),
      try NPYArray.read(fixture("s64")).doubles())
    #expect(worst.relative <= 1e-4, "\(worst)")
  }

  @Test func noiseOfAnotherShapeIsRefused() throws {
    let folder = try TemporaryFolder()
    let noise = folder.path("z.npy")
    try NPYArray(floats: [Float](repeating: 0, count: 2 * 14 * 14), shape: [2, 1, 14, 14])
      .write(to: noise)
    let run = try DisEvalProcess(
      "sample", "--ckpt", DisEvalProcess.checkpoint, "--noise", noise, "--sampler", "ddim",
      "--steps", "2", "--raw-out", folder.path("s.npy"))
    #expect(run.status == 65 && run.errors.contains("NoiseShape"), "\(run.errors)")
  }
}
