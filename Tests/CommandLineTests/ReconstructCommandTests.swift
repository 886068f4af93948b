import Checkpoints
import Foundation
import Results
import Testing
import _TestSupport

@Suite("dis-eval reconstruct", .blocking) struct ReconstructCommandTests {
  private let folder: TemporaryFolder
  private let images: [String]
  private let environment: [String: String]

  /// Two sets of eight photographs of 64 x 64 pixels.
  init() throws {
    let folder = try TemporaryFolder()
    let photos = try NPYArray.read(
      DisEvalProcess.file("Tests/FeatureExtractorsTests/Fixtures/photos_64.npy"))
    let size = photos.bytes.count / 2
    images = try [0, 1].map { half in
      let path = folder.path("\(half).npy")
      try NPYArray(
        bytes: Array(photos.bytes[half * size..<(half + 1) * size]), shape: [8, 64, 64, 3]
      ).write(to: path)
      return path
    }
    self.folder = folder
    environment = ["XDG_CACHE_HOME": folder.path("cache")]
  }

  private func run(_ arguments: String...) throws -> DisEvalProcess {
    try DisEvalProcess(["reconstruct"] + arguments, environment: environment)
  }

  private func perceptualWeights() throws -> [String] {
    let paths = [folder.path("vgg16.safetensors"), folder.path("lpips.safetensors")]
    try writeSafetensors(SyntheticPerceptual.network, to: URL(fileURLWithPath: paths[0]))
    try writeSafetensors(SyntheticPerceptual.channelWeights, to: URL(fileURLWithPath: paths[1]))
    return ["--vgg-weights", paths[0], "--lpips-weights", paths[1]]
  }

  private static func metrics(_ document: [String: Any]) throws -> [String: [String: Any]] {
    try #require(document["metrics"] as? [String: [String: Any]])
  }

  @Test func textAndDocument() throws {
    let out = folder.path("result.json")
    let shown = try run(
      "--images", images[0], "--ref", images[1], "--metrics", "psnr,ssim", "--worst", "3", "--out",
      out)
    try #require(shown.status == 0, "\(shown.errors)")
    for part in ["psnr ", " dB [", "ssim ", "worst pairs by psnr", "8, 0 of them equal", "rae"] {
      #expect(shown.output.contains(part), "\(shown.output)")
    }
    #expect(shown.errors.contains("wrote '\(out)'"))
    let bytes = try Data(contentsOf: URL(fileURLWithPath: out))
    #expect(try violation(of: Array(bytes), by: .reconstruction) == nil)
    let printed = try run(
      "--images", images[0], "--ref", images[1], "--metrics", "psnr", "--metrics", "ssim",
      "--worst", "3", "--json", "--threads", "1")
    let document = try printed.json()
    let written = try #require(try jsonObject(bytes) as? [String: Any])
    for key in ["metrics", "provenance", "samples_sha256", "worst", "equal_pairs", "schema"] {
      #expect(try canonical(document[key]) == canonical(written[key]), "\(key)")
    }
    #expect(try Set(Self.metrics(document).keys) == ["psnr", "ssim"])
    #expect((document["worst"] as? [Any])?.count == 3)
    let run = try #require(document["run"] as? [String: Any])
    #expect((run["arguments"] as? [String])?.first == "reconstruct")
  }

  /// rFID of the originals' features in float64 (scripts/fixtures/dialects.py), in the dialect of each protocol.
  @Test func everyMetricInEveryProtocol() throws {
    let inception = folder.path("inception.safetensors")
    let fixtures = "Tests/FeatureExtractorsTests/Fixtures/"
    let statistics = try NPYArray.read(DisEvalProcess.file(fixtures + "inception_bn.npy"))
    try writeSafetensors(
      SyntheticInception.tensors(statistics: statistics.floats()),
      to: URL(fileURLWithPath: inception))
    let golden = try #require(
      try jsonObject(
        Data(contentsOf: URL(fileURLWithPath: DisEvalProcess.file(fixtures + "dialects.json"))))
        as? [String: [String: Double]])
    let weights = ["--weights", inception] + (try perceptualWeights())
    var lpips: [Double] = []
    for (name, dialect, preparation) in [
      ("rae", "torch-fidelity", "tensorflow"), ("lightningdit", "pytorch-fid", "pytorch"),
      ("1d-tokenizer", "edm", "tensorflow"),
    ] {
      let run = try DisEvalProcess(
        ["reconstruct", "--images", images[0], "--ref", images[1], "--protocol", name, "--json"]
          + weights, environment: environment)
      try #require(run.status == 0, "\(run.errors)")
      let document = try run.json()
      #expect(try violation(of: Array(run.output.utf8), by: .reconstruction) == nil)
      let metrics = try Self.metrics(document)
      let isPaired = name != "1d-tokenizer"
      #expect(
        Set(metrics.keys) == (isPaired ? ["rfid", "psnr", "ssim", "lpips"] : ["rfid"]), "\(name)")
      let expected = try #require(golden[preparation]?["fid"])
      let found = try #require(metrics["rfid"]?["value"] as? Double)
      #expect(abs(found - expected) <= 1e-4 * expected, "\(name): \(found), \(expected)")
      #expect(metrics["rfid"]?["interval"] is NSNull)
      if let value = metrics["lpips"]?["value"] as? Double { lpips.append(value) }
      let provenance = try #require(document["provenance"] as? [String: Any])
      #expect(provenance["dialect"] as? String == dialect)
      #expect(document["worst_by"] as? String == (isPaired ? "lpips" : nil))
      let files = (provenance["perceptual"] as? [String: [String: Any]]) ?? [:]
      #expect(files["network"]?["file"] as? String == (isPaired ? "vgg16.safetensors" : nil))
      #expect(files.values.allSatisfy { $0["published"] as? Bool == false })
      #expect(run.errors.contains("no published SHA-256: LPIPS") == isPaired)
    }
    #expect(lpips.count == 2 && lpips[0] == lpips[1] && lpips[0] > 0)
  }

  // MARK: Refusals

  @Test func missingWeightsSayWhatToDo() throws {
    let run = try run("--images", images[0], "--ref", images[1], "--metrics", "lpips")
    #expect(run.status == 69, "\(run.errors)")
    for part in [
      "WeightsUnavailable", "weights fetch vgg-16", "weights fetch lpips-vgg", "397923af8e79cdbb",
      "a78928a0af1e5f0f", "--vgg-weights", "--lpips-weights", "without lpips in --metrics",
    ] { #expect(run.errors.contains(part), "\(run.errors)") }
    // Inception comes first.
    let all = try self.run("--images", images[0], "--ref", images[1])
    #expect(all.status == 69 && all.errors.contains("Inception"), "\(all.errors)")
    // One of the two is here.
    let paths = try perceptualWeights()
    let half = try DisEvalProcess(
      ["reconstruct", "--images", images[0], "--ref", images[1], "--metrics", "lpips"]
        + paths.prefix(2), environment: environment)
    #expect(half.status == 69, "\(half.errors)")
    #expect(!half.errors.contains("vgg-16") && half.errors.contains("lpips-vgg"))
  }

  /// Files of the cache must be the published ones; `weights` knows both.
  @Test func theCacheIsChecked() throws {
    let cache = folder.path("cache/dis-eval")
    try FileManager.default.createDirectory(atPath: cache, withIntermediateDirectories: true)
    try writeSafetensors(
      SyntheticPerceptual.channelWeights, to: URL(fileURLWithPath: "\(cache)/vgg.pth"))
    try writeSafetensors(
      SyntheticPerceptual.network, to: URL(fileURLWithPath: "\(cache)/vgg16-397923af.pth"))
    let run = try run("--images", images[0], "--ref", images[1], "--metrics", "lpips")
    #expect(run.status == 65 && run.errors.contains("HashMismatch"), "\(run.errors)")
    let listed = try DisEvalProcess("weights", "list", environment: environment)
    #expect(listed.output.contains("cached    \(cache)/vgg.pth"), "\(listed.output)")
    for (file, name) in [("vgg.pth", "lpips-vgg"), ("vgg16-397923af.pth", "vgg-16")] {
      let verified = try DisEvalProcess(
        "weights", "verify", "\(cache)/\(file)", "--json", environment: environment)
      #expect(verified.status == 0, "\(verified.errors)")
      let record = try verified.json()
      #expect(record["architecture"] as? String == name && record["published"] as? Bool == false)
    }
  }

  @Test func otherWeightsAreRefused() throws {
    let paths = try perceptualWeights()
    let swapped = try run(
      "--images", images[0], "--ref", images[1], "--metrics", "lpips", "--vgg-weights", paths[3],
      "--lpips-weights", paths[1])
    #expect(swapped.status == 65 && swapped.errors.contains("NotAnExtractor"), "\(swapped.errors)")
    let fashion = try run(
      "--images", images[0], "--ref", images[1], "--metrics", "rfid", "--weights",
      DisEvalProcess.extractor)
    #expect(fashion.status == 65 && fashion.errors.contains("ExtractorMismatch"))
    #expect(fashion.errors.contains("fashion-classifier"), "\(fashion.errors)")
  }

  @Test func statisticsAreRefused() throws {
    for reference in [DisEvalProcess.statistics, "imagenet-256-adm"] {
      let run = try run("--images", images[0], "--ref", reference, "--metrics", "psnr")
      #expect(run.status == 65 && run.errors.contains("ImagesNeeded"), "\(run.errors)")
      #expect(run.errors.contains("must not be compared") && run.errors.contains("dis-eval fid"))
    }
  }

  @Test func filesThatAreNotThere() throws {
    let run = try run("--images", folder.path("none"), "--ref", images[1], "--metrics", "psnr")
    #expect(run.status == 66 && run.errors.contains("none"), "\(run.errors)")
    let other = try self.run("--images", images[0], "--ref", "/nonexistent", "--metrics", "psnr")
    #expect(other.status == 66, "\(other.errors)")
  }

  @Test(arguments: [
    ["--protocol", "mae"], ["--metrics", "fid"], ["--metrics", ""], ["--worst", "-1"],
    ["--worst", "10001"], ["--crop", "adm"], ["--size", "64"],
    ["--protocol", "1d-tokenizer", "--metrics", "psnr"], ["--out", "IN"], ["--threads", "0"],
  ])
  func wrongCommandLines(options: [String]) throws {
    let arguments = options.map { $0 == "IN" ? images[0] : $0 }
    let run = try DisEvalProcess(
      ["reconstruct", "--images", images[0], "--ref", images[1]] + arguments,
      environment: environment)
    #expect(run.status == 64, "\(options): \(run.errors)")
  }

  @Test func missingPartnersAreNamed() throws {
    let sides = ["a", "b"].map { folder.path($0) }
    for (index, side) in sides.enumerated() {
      try FileManager.default.createDirectory(atPath: side, withIntermediateDirectories: true)
      for name in ["one", index == 0 ? "two" : "three"] {
        try Data(Array("P5\n8 8\n255\n".utf8) + [UInt8](repeating: 9, count: 64)).write(
          to: URL(fileURLWithPath: "\(side)/\(name).pgm"))
      }
    }
    let run = try run("--images", sides[0], "--ref", sides[1], "--metrics", "psnr")
    #expect(run.status == 65 && run.errors.contains("PairsMissing"), "\(run.errors)")
    for part in [
      "--images", "1 of 2 decoded images have no original: two.pgm",
      "1 of 2 originals have no decoded image: three.pgm",
    ] { #expect(run.errors.contains(part), "\(run.errors)") }
  }
}
