import Checkpoints
import Foundation
import Testing
import _TestSupport

/// `--precision bf16`: what it changes is said, and does not mix with what it did not change.
@Suite("--precision", .blocking) struct PrecisionTests {
  private static func fid(_ more: String...) throws -> DisEvalProcess {
    try DisEvalProcess(
      ["fid", "--ckpt", DisEvalProcess.checkpoint, "--ref", DisEvalProcess.statistics]
        + FIDCommandTests.fast + ["--json"] + more)
  }

  private static func part(_ name: String, of run: DisEvalProcess) throws -> [String: Any] {
    let provenance = try #require(try run.json()["provenance"] as? [String: Any])
    return try #require(provenance[name] as? [String: Any])
  }

  @Test func theResultSaysIt() throws {
    let plain = try Self.fid()
    #expect(try Self.part("sampler", of: plain)["precision"] == nil)
    let runs = try [("1", "7"), ("3", "32")].map {
      try Self.fid("--precision", "bf16", "--threads", $0.0, "--batch", $0.1)
    }
    for run in runs {
      #expect(run.status == 0, "\(run.errors)")
      #expect(try Self.part("sampler", of: run)["precision"] as? String == "bf16")
      // The demo's extractor stays as it is, and that is said.
      #expect(try Self.part("extractor", of: run)["precision"] == nil)
      #expect(run.errors.contains("fashion-classifier has no form in bf16"), "\(run.errors)")
      let provenance = try #require(try run.json()["provenance"] as? [String: Any])
      #expect((provenance["kernels"] as? String)?.contains(", bf16 by ") == true)
      let hash = try run.json()["samples_sha256"] as? String
      #expect(try hash != plain.json()["samples_sha256"] as? String)
    }
    for key in ["metrics", "provenance", "samples_sha256"] {
      #expect(try canonical(try runs[0].json()[key]) == canonical(try runs[1].json()[key]))
    }
    #expect(try Self.fid("--precision", "half").status == 64)
  }

  @Test func runsOfTwoPrecisionsDoNotMix() throws {
    let folder = try TemporaryFolder()
    let plain = try Self.fid("--precision", "bf16")
    let run = try Self.fid("--precision", "bf16", "--run", folder.path("run"))
    let merged = try DisEvalProcess("merge", folder.path("run"), "--json")
    for other in [run, merged] {
      #expect(other.status == 0, "\(other.errors)")
      #expect(try canonical(try other.json()["metrics"]) == canonical(try plain.json()["metrics"]))
    }
    #expect(try Self.part("sampler", of: merged)["precision"] as? String == "bf16")
    let mixed = try Self.fid("--run", folder.path("run"))
    #expect(mixed.status == 73 && mixed.errors.contains("OtherConfiguration"), "\(mixed.errors)")
    #expect(mixed.errors.contains("sampler.precision is bf16 there"), "\(mixed.errors)")
  }

  @Test("statistics of the other precision are compared, and the result says so")
  func statistics() throws {
    let folder = try TemporaryFolder()
    let fixtures = "Tests/FeatureExtractorsTests/Fixtures/"
    let weights = folder.path("inception.safetensors")
    try writeSafetensors(
      SyntheticInception.tensors(
        statistics: try NPYArray.read(DisEvalProcess.file(fixtures + "inception_bn.npy")).floats()),
      to: URL(fileURLWithPath: weights))
    let photos = DisEvalProcess.file(fixtures + "photos_64.npy")
    let reference = folder.path("photos.npz")
    let made = try DisEvalProcess(
      "stats", "make", "--images", photos, "--weights", weights, "--precision", "bf16", "--out",
      reference)
    #expect(made.status == 0, "\(made.errors)")
    let record = try String(contentsOfFile: folder.path("photos.json"), encoding: .utf8)
    #expect(record.contains("\"precision\" : \"bf16\""), "\(record)")
    for precision in ["bf16", "float32"] {
      let run = try DisEvalProcess(
        "fid", "--images", photos, "--ref", reference, "--weights", weights, "--json",
        "--precision", precision)
      #expect(run.status == 0, "\(run.errors)")
      let metrics = try #require(try run.json()["metrics"] as? [String: [String: Any]])
      let distance = try #require(metrics["fid"]?["value"] as? Double)
      let isSame = precision == "bf16"
      #expect(isSame ? distance < 1e-9 : distance > 1e-3, "\(distance)")
      #expect(run.errors.contains("was made in bf16") != isSame, "\(run.errors)")
    }
  }
}
