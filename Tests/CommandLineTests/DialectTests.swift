import Checkpoints
import Foundation
import Testing
import _TestSupport

/// The same images in every dialect, on the Inception graph with synthetic weights.
@Suite("Dialects", .blocking) struct DialectTests {
  /// Weights and two sets of eight photographs.
  private final class Inputs {
    let folder: TemporaryFolder
    let weights: String
    let images: [String]

    init() throws {
      let folder = try TemporaryFolder()
      self.folder = folder
      let fixtures = "Tests/FeatureExtractorsTests/Fixtures/"
      let statistics = try NPYArray.read(DisEvalProcess.file(fixtures + "inception_bn.npy"))
      weights = folder.path("inception.safetensors")
      try writeSafetensors(
        SyntheticInception.tensors(statistics: statistics.floats()),
        to: URL(fileURLWithPath: weights))
      let photos = try NPYArray.read(DisEvalProcess.file(fixtures + "photos_64.npy"))
      let size = photos.bytes.count / 2
      images = try [0, 1].map { half in
        let array = NPYArray(
          bytes: Array(photos.bytes[half * size..<(half + 1) * size]), shape: [8, 64, 64, 3])
        let path = "\(folder.url.path)/\(half).npy"
        try Data(array.serialized()).write(to: URL(fileURLWithPath: path))
        return path
      }
    }
  }

  private struct Case: Decodable {
    let fid: Double
    let sfid: Double
    let kid: Double
  }

  /// The preparation of each dialect, as `scripts/fixtures/dialects.py` names it.
  static let preparations = [
    "pytorch-fid": "pytorch", "tf": "tensorflow", "torch-fidelity": "tensorflow",
    "clean": "clean", "clean-legacy-pytorch": "pytorch", "clean-legacy-tensorflow": "tensorflow",
    "torchmetrics": "torchmetrics", "edm": "tensorflow", "dgm-eval": "pytorch",
  ]

  @Test("every dialect agrees with the originals' features") func all() throws {
    let inputs = try Inputs()
    let golden = try JSONDecoder().decode(
      [String: Case].self,
      from: Data(
        contentsOf: URL(
          fileURLWithPath: DisEvalProcess.file(
            "Tests/FeatureExtractorsTests/Fixtures/dialects.json"))))
    let run = try DisEvalProcess(
      "evaluate", "--images", inputs.images[0], "--ref", inputs.images[1], "--weights",
      inputs.weights, "--dialect", "all", "--json")
    #expect(run.status == 0, "\(run.errors)")
    let result = try run.json()
    let dialects = try #require(result["dialects"] as? [String: [String: Any]])
    #expect(Set(dialects.keys) == Set(Self.preparations.keys))
    #expect((result["metrics"] as? [String: Any])?.isEmpty == true)
    for (name, dialect) in dialects {
      let expected = try #require(golden[Self.preparations[name] ?? ""])
      let metrics = try #require(dialect["metrics"] as? [String: [String: Any]])
      func value(_ metric: String) throws -> Double {
        try #require(metrics[metric]?["value"] as? Double, "\(name) \(metric)")
      }
      #expect(abs(try value("fid") / expected.fid - 1) <= 2e-5, "\(name) \(metrics)")
      #expect(abs(try value("sfid") / expected.sfid - 1) <= 2e-5, "\(name) \(metrics)")
      for share in try [value("precision"), value("recall")] {
        #expect((0...1).contains(share))
      }
      if name == "torch-fidelity" {
        let skipped = dialect["skipped"] as? [String: String]
        #expect(skipped?["kid"]?.contains("at least 1000") == true)
      } else {
        #expect(abs(try value("kid") - expected.kid) <= 1e-5 * abs(expected.kid) + 1e-7, "\(name)")
      }
    }
  }

  @Test("explain attributes the whole difference") func explain() throws {
    let inputs = try Inputs()
    let run = try DisEvalProcess(
      "explain", "--images", inputs.images[0], "--ref", inputs.images[1], "--weights",
      inputs.weights, "--num", "3", "--dialect", "tf", "--json")
    #expect(run.status == 0, "\(run.errors)")
    let result = try run.json()
    let base = try #require(result["value"] as? Double)
    let lines = try #require(result["dialects"] as? [[String: Any]])
    #expect(lines.count == 9)
    for line in lines {
      func number(_ key: String) throws -> Double { try #require(line[key] as? Double) }
      let parts = try number("resize") + number("scale") + number("mean_precision")
      #expect(abs(try number("difference") - parts) <= 1e-9 * base)
      #expect(abs(try number("value") - base - parts) <= 1e-9 * base)
      if line["dialect"] as? String == "tf" { #expect(try number("difference") == 0) }
    }
    let kinds = try #require(result["changes"] as? [[String: Any]]).compactMap {
      $0["kind"] as? String
    }
    #expect(
      kinds == [
        "resize", "resize", "resize", "scale", "quantisation", "mean precision", "ddof",
      ])
  }

  @Test("statistics of one dialect are refused in another") func mixedDialects() throws {
    let inputs = try Inputs()
    let statistics = inputs.folder.path("tf.npz")
    let made = try DisEvalProcess(
      "stats", "make", "--images", inputs.images[1], "--weights", inputs.weights, "--dialect",
      "tf", "--out", statistics)
    #expect(made.status == 0, "\(made.errors)")
    func fid(_ arguments: String...) throws -> DisEvalProcess {
      try DisEvalProcess(
        ["fid", "--images", inputs.images[0], "--ref", statistics, "--weights", inputs.weights]
          + ["--json"] + arguments)
    }

    let refused = try fid("--dialect", "pytorch-fid")
    #expect(refused.status == 65 && refused.output.isEmpty)
    #expect(refused.errors.contains("DialectMismatch"))
    #expect(refused.errors.contains("--dialect tf") && refused.errors.contains("--ref-dialect tf"))

    let fitting = try fid().json()
    let provenance = try #require(fitting["provenance"] as? [String: Any])
    #expect(provenance["dialect"] as? String == "tf")
    #expect((provenance["reference"] as? [String: Any])?["dialect"] as? String == "tf")
    #expect(provenance["allowed_mismatches"] == nil)

    let mixed = try fid("--dialect", "pytorch-fid", "--ref-dialect", "tf").json()
    let mixedProvenance = try #require(mixed["provenance"] as? [String: Any])
    #expect(mixedProvenance["dialect"] as? String == "pytorch-fid")
    #expect((mixedProvenance["reference"] as? [String: Any])?["dialect"] as? String == "tf")
    #expect((mixedProvenance["allowed_mismatches"] as? [String])?.count == 1)

    let wrong = try fid("--dialect", "pytorch-fid", "--ref-dialect", "clean")
    #expect(wrong.status == 65 && wrong.errors.contains("known to be tf"))
  }

  @Test(
    "wrong usage",
    arguments: [
      (["--dialect", "fid"], "pytorch-fid"), (["--ref-dialect", "all"], "pytorch-fid"),
      (["--dialect", "all", "--ref-dialect", "tf"], "cannot be used"),
      (["--metrics", "fid,fvd"], "fvd"), (["--metrics", ""], "at least one"),
    ])
  func usage(arguments: [String], part: String) throws {
    let run = try DisEvalProcess(["evaluate", "--images", "a", "--ref", "b"] + arguments)
    #expect(run.status == 64 && run.errors.contains(part), "\(run.errors)")
  }
}
