import Checkpoints
import Foundation
import Testing
import _TestSupport

/// Sampling options from the command line to the samples and to the result.
@Suite("Sampling options", .blocking) struct SamplingOptionsTests {
  /// `--steps N` spaces the steps as diffusers does: its samples from the same noise and network.
  @Test("steps are those of diffusers", arguments: ["heun", "dpm-solver++-sde"])
  func parity(sampler: String) throws {
    let folder = try TemporaryFolder()
    let checkpoint = folder.path("model.safetensors")
    try #require(SyntheticDiS.models["small"]).write(to: URL(fileURLWithPath: checkpoint))
    func fixture(_ part: String) -> String {
      DisEvalProcess.file("Tests/DiffusionTests/Fixtures/schedulers_small.\(part).npy")
    }
    let stepNoise = sampler == "heun" ? [] : ["--step-noise", fixture("noise")]
    let run = try DisEvalProcess(
      ["sample", "--ckpt", checkpoint, "--noise", fixture("z")] + stepNoise
        + ["--sampler", sampler, "--steps", "5", "--raw-out", folder.path("s.npy")])
    #expect(run.status == 0, "\(run.errors)")
    let worst = worst(
      try NPYArray.read(folder.path("s.npy")).doubles(),
      try NPYArray.read(fixture(sampler)).doubles())
    #expect(worst.relative <= 1e-4, "\(worst)")
  }

  @Test func anSDEAsksForTheNoiseOfItsSteps() throws {
    let folder = try TemporaryFolder()
    let noise = folder.path("z.npy")
    try NPYArray(floats: [Float](repeating: 0, count: 28 * 28), shape: [1, 1, 28, 28])
      .write(to: noise)
    let run = try DisEvalProcess(
      "sample", "--ckpt", DisEvalProcess.checkpoint, "--noise", noise, "--sampler",
      "dpm-solver++-sde", "--steps", "5", "--raw-out", folder.path("s.npy"))
    #expect(run.status == 64 && run.errors.contains("StepNoiseMissing"), "\(run.errors)")
  }

  /// The timesteps of `--steps 4` are 999, 749, 500 and 250.
  @Test func guidanceActsInItsIntervalOnly() throws {
    let folder = try TemporaryFolder()
    func samples(_ options: [String]) throws -> [Float] {
      let path = folder.path("s.npy")
      let run = try DisEvalProcess(
        ["sample", "--ckpt", DisEvalProcess.checkpoint, "--num", "1", "--sampler", "dpm-solver++"]
          + ["--steps", "4", "--raw-out", path] + options)
      #expect(run.status == 0, "\(run.errors)")
      return try NPYArray.read(path).floats()
    }
    let plain = try samples([])
    let guided = try samples(["--cfg-scale", "2"])
    let early = try samples(["--cfg-scale", "2", "--cfg-interval", "501,999"])
    #expect(try samples(["--cfg-scale", "2", "--cfg-interval", "0,999"]) == guided)
    #expect(try samples(["--cfg-scale", "2", "--cfg-interval", "250,999"]) == guided)
    #expect(try samples(["--cfg-scale", "2", "--cfg-interval", "749,999"]) == early)
    #expect(plain != guided && plain != early && guided != early)
  }

  @Test func theResultRecordsThem() throws {
    func sampler(_ options: [String]) throws -> [String: Any] {
      let run = try DisEvalProcess(
        ["fid", "--ckpt", DisEvalProcess.checkpoint, "--ref", DisEvalProcess.statistics]
          + ["--num", "3", "--json"] + options)
      #expect(run.status == 0, "\(run.errors)")
      let provenance = try #require(run.json()["provenance"] as? [String: Any])
      return try #require(provenance["sampler"] as? [String: Any])
    }
    let first = try sampler([
      "--sampler", "heun", "--steps", "3", "--prediction", "v", "--cfg-scale", "0",
      "--cfg-interval", "100,700",
    ])
    #expect(first["name"] as? String == "heun" && first["respacing"] as? String == "3")
    #expect(first["steps"] as? Int == 3 && first["evaluations"] as? Int == 5)
    // Timesteps 999, 500, 500, 0 and 0, each asked once: for no class within the interval.
    #expect(first["network_evaluations"] as? Int == 5)
    #expect(first["prediction"] as? String == "v")
    #expect(first["cfg_interval"] as? [Int] == [100, 700])
    let second = try sampler([
      "--sampler", "dpm-solver++-sde", "--steps", "2", "--cfg-scale", "2", "--cfg-interval",
      "0,999",
    ])
    #expect(second["respacing"] as? String == "dpm2" && second["evaluations"] as? Int == 2)
    #expect(second["network_evaluations"] as? Int == 4)
    #expect(second["prediction"] as? String == "epsilon" && second["cfg_interval"] is NSNull)
  }

  @Test(
    "an interval that is none is refused",
    arguments: ["5", "5,3", "0,1000", "-1,5", "a,b", "1,2,3", ",", "1,99999999999999999999"])
  func interval(text: String) throws {
    let run = try DisEvalProcess(
      "sample", "--ckpt", "a", "--raw-out", "b", "--cfg-scale", "2", "--cfg-interval=\(text)")
    #expect(run.status == 64)
    #expect(
      run.errors.contains("expected two times LOW,HIGH with 0 <= LOW <= HIGH <= 999"),
      "\(run.errors)")
  }

  @Test func anIntervalWithoutGuidanceIsRefused() throws {
    let run = try DisEvalProcess(
      "sample", "--ckpt", "a", "--raw-out", "b", "--cfg-interval", "0,500")
    #expect(run.status == 64)
    #expect(
      run.errors.contains("--cfg-interval needs a --cfg-scale other than 1, which means no"),
      "\(run.errors)")
    let folder = try TemporaryFolder()
    let nowhere = try DisEvalProcess(
      "sample", "--ckpt", DisEvalProcess.checkpoint, "--raw-out", folder.path("s.npy"), "--steps",
      "2", "--cfg-scale", "2", "--cfg-interval", "1,998")
    #expect(nowhere.status == 64)
    #expect(
      nowhere.errors.contains(
        "GuidanceNowhere: '--cfg-interval 1,998': none of the 2 times of the sampler is in it; "
          + "widen it, or use --cfg-scale 1"), "\(nowhere.errors)")
  }

  @Test(
    "a single step is possible but for ddpm, and 1001 are refused",
    arguments: ["ddpm", "ddim", "heun", "dpm-solver++", "dpm-solver++-sde"])
  func steps(sampler: String) throws {
    let one: Int32 = sampler == "ddpm" ? 64 : 0
    for (steps, status) in [("0", 64), ("1", one), ("1001", 64), ("5", 0)] as [(String, Int32)] {
      let folder = try TemporaryFolder()
      let run = try DisEvalProcess(
        "sample", "--ckpt", DisEvalProcess.checkpoint, "--num", "1", "--sampler", sampler,
        "--steps", steps, "--raw-out", folder.path("s.npy"))
      #expect(run.status == status, "\(steps): \(run.errors)")
    }
  }
}
