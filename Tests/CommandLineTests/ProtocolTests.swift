import Checkpoints
import DisEval
import Files
import Foundation
import Testing
import _TestSupport

/// Images made elsewhere, scored by the preset of a published evaluation.
@Suite("Presets of images", .blocking) struct ImageProtocolTests {
  /// Twelve images of the demonstration's size, with the classes that the file says.
  private static func images(_ folder: TemporaryFolder, labels: [Int64]?) throws -> String {
    let path = folder.path("images.npz")
    let bytes = (0..<12 * 28 * 28).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) }
    var arrays = [("arr_0", NPYArray(bytes: bytes, shape: [12, 28, 28, 1]))]
    if let labels { arrays.append(("arr_1", NPYArray(integers: labels, shape: [labels.count]))) }
    try NPZ.write(arrays.map { (name: $0.0, array: $0.1) }, to: path)
    return path
  }

  private static func names(_ settings: Any?) -> [String] {
    ((settings as? [[String: Any]]) ?? []).compactMap { $0["name"] as? String }
  }

  @Test func aResultSaysWhatTheImagesFollowAndCannotShow() throws {
    let folder = try TemporaryFolder()
    let images = try Self.images(folder, labels: (0..<12).map { $0 % 10 })
    let out = folder.path("result.json")
    let command = ["fid", "--images", images, "--preset", "edm-cifar10"]
    let run = try DisEvalProcess(
      command + ["--ref", DisEvalProcess.statistics, "--out", out])
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.errors.contains("dis-eval: edm-cifar10: for images made elsewhere"))
    #expect(run.errors.contains("not as in the preset edm-cifar10: number: 12, expected 50000"))
    #expect(run.output.contains("published   fid 1.79 (README of NVlabs/edm"))
    #expect(run.output.contains("not checked: model: "), "\(run.output)")
    // Reading it also compares it with the schema.
    let result = try EvaluationResult(contentsOf: out)
    let check = try #require(result.provenance.protocolCheck)
    #expect(result.provenance.preset == "edm-cifar10")
    #expect(check.agrees.map(\.name) == ["labels"])
    #expect(
      check.departures.map(\.name) == ["number", "image size", "extractor", "dialect", "reference"])
    #expect(check.notChecked.map(\.name) == ["model", "seeds"])
    #expect(check.published.map(\.value) == [1.79])
    let again = try DisEvalProcess("rerun", out)
    #expect(again.status == 0, "\(again.errors) \(again.output)")
  }

  /// The reference that a preset names is recognised by its SHA-256, wherever it lies.
  @Test func theReferenceIsRecognisedByItsHash() throws {
    let folder = try TemporaryFolder()
    let images = try Self.images(folder, labels: nil)
    func registry(_ sha256: String) throws -> String {
      let path = folder.path("registry.json")
      let entry: [String: Any] = [
        "name": "cifar10-edm", "dataset": ["name": "cifar10"], "address": "https://example.org/a",
        "file": "a", "format": "npz", "arrays": ["mu"], "dimension": 128, "sha256": sha256,
        "source": "this test",
      ]
      try JSONSerialization.data(
        withJSONObject: ["schema": "dis-eval-registry/1", "entries": [entry]]
      ).write(to: URL(fileURLWithPath: path))
      return path
    }
    func check(_ hash: String, _ more: [String] = []) throws -> [String: Any] {
      let run = try DisEvalProcess(
        ["evaluate", "--images", images, "--preset", "edm-cifar10", "--metrics", "fid", "--json"]
          + ["--ref", DisEvalProcess.statistics] + more,
        environment: ["DIS_EVAL_REGISTRY": try registry(hash)])
      #expect(run.status == 0, "\(run.errors)")
      let provenance = try run.json()["provenance"] as? [String: Any]
      return try #require(provenance?["protocol_check"] as? [String: Any])
    }
    let hash = try sha256(ofFile: DisEvalProcess.statistics)
    let same = try check(hash)
    #expect(Self.names(same["agrees"]) == ["reference"])
    #expect(Self.names(same["not_checked"]).contains("labels"))
    let other = try check(String(repeating: "0", count: 64))
    #expect(Self.names(other["departures"]).contains("reference"))
    // An option wins, and the result says so.
    let dialect = try check(hash, ["--dialect", "pytorch-fid"])
    let departures = try #require(dialect["departures"] as? [[String: Any]])
    let found = departures.first { $0["name"] as? String == "dialect" }?["found"] as? String
    #expect(found == "pytorch-fid")
  }

  @Test func whatDoesNotFitIsRefused() throws {
    let folder = try TemporaryFolder()
    let images = try Self.images(folder, labels: nil)
    let unfetched = ["XDG_CACHE_HOME": folder.path("cache")]
    for (arguments, status, part) in [
      (["fid", "--images", images, "--preset", "edm"], 64, "adm-g-u-imagenet256"),
      (
        ["fid", "--ckpt", DisEvalProcess.checkpoint, "--preset", "edm-cifar10"], 64,
        "it is for images made elsewhere, given as --images"
      ),
      (["sweep", DisEvalProcess.checkpoint, "--out", "x", "--preset", "edm-cifar10"], 64, "edm"),
      (["fid", "--images", images, "--preset", "edm-cifar10", "--cfg-scale", "2"], 64, "--ckpt"),
      (["fid", "--images", images, "--preset", "edm-cifar10"], 69, "cifar10-edm"),
      (
        [
          "fid", "--images", images, "--preset", "edm-cifar10", "--ref", DisEvalProcess.statistics,
          "--num", "50000",
        ], 65, "CountMismatch"
      ),
      (
        ["gate", "--ckpt", DisEvalProcess.checkpoint, "--preset", "dis-s2-cifar10"]
          + ["--dialect", "tf", "--max", "fid=3"], 64, "--preset fixes"
      ),
    ] as [([String], Int32, String)] {
      let run = try DisEvalProcess(arguments, environment: unfetched, in: folder.url)
      #expect(run.status == status, "\(arguments): \(run.errors)")
      #expect(run.errors.contains(part), "\(arguments): \(run.errors)")
    }
  }

  @Test func presetsOfImagesAreListed() throws {
    let all = try DisEvalProcess("presets")
    let one = try DisEvalProcess("presets", "edm-imagenet64")
    #expect(one.status == 0 && all.output.contains(one.output.dropLast()))
    #expect(one.output.contains("images      50000 of 64 x 64 pixels"), "\(one.output)")
    let json = try DisEvalProcess("presets", "adm-imagenet64", "--json").json()
    let preset = try #require((json["presets"] as? [[String: String]])?.first)
    #expect(preset["reference"] == "imagenet-64-adm" && preset["dialect"] == "tf")
  }
}
