import Autoencoder
import Checkpoints
import Files
import Foundation
import Images
import Tensors
import Testing
import _TestSupport

/// Latent models on the command line: small ones with synthetic weights.
@Suite("Latent models", .blocking) struct DecoderCommandTests {
  /// Latents of 4 x 8 x 8, and a decoder that makes 64 x 64 pixels of them.
  struct Files {
    let folder: TemporaryFolder
    let checkpoint: String
    let decoder: String

    init(
      _ model: SyntheticDiS? = SyntheticDiS.models["width50"],
      _ network: SyntheticDecoder? = SyntheticDecoder.models["tiny8"]
    ) throws {
      folder = try TemporaryFolder()
      checkpoint = folder.path("latent.safetensors")
      decoder = folder.path("decoder.safetensors")
      try #require(model).write(to: URL(fileURLWithPath: checkpoint))
      try #require(network).write(to: decoder)
    }

    func network() throws -> KLDecoder {
      try KLDecoder(try CheckpointFile.open(decoder).stateDict(key: nil))
    }
  }

  /// Latents of 14 x 14, and a decoder to the 28 x 28 grey pixels of the demonstration.
  static func grey() throws -> Files {
    try Files(
      SyntheticDiS(
        seed: 40, embedDim: 50, depth: 2, patch: 2, channels: 4, side: 14, classes: 10),
      SyntheticDecoder(
        seed: 41, latentChannels: 4, blocks: [32, 32], resnets: 1, imageChannels: 1))
  }

  static let fast = ["--sampler", "dpm-solver++", "--steps", "3"]

  /// The images are the decoded raw latents, made bytes of as each of the two quantisers says.
  @Test(
    "images are the decoded latents",
    arguments: [
      (["--quantizer", "dit"], 0.18215, nil), (["--quantizer", "adm"], 0.18215, nil),
      (["--latent-scale", "0.5", "--decoder-tile", "4"], 0.5, 4),
    ] as [([String], Float, Int?)])
  func images(options: [String], scale: Float, tile: Int?) throws {
    let files = try Files()
    let (out, raw) = (files.folder.path("png"), files.folder.path("s.npy"))
    let run = try DisEvalProcess(
      ["sample", "--ckpt", files.checkpoint, "--decoder", files.decoder, "--num", "3"]
        + ["--out", out, "--raw-out", raw] + Self.fast + options)
    #expect(run.status == 0, "\(run.errors)")
    let latents = try NPYArray.read(raw)
    #expect(latents.shape == [3, 4, 8, 8])
    let (network, values) = (try files.network(), latents.floats())
    let truncates = options.contains("adm")
    for index in 0..<3 {
      let z = Tensor(
        shape: [4, 8, 8], values: values[index * 256..<(index + 1) * 256].map { $0 / scale })
      let decoded = tile.map { network(z, tile: $0) } ?? network(z)
      var expected: [UInt8] = []
      for pixel in 0..<64 * 64 {
        for channel in 0..<3 {
          let x = decoded.values[channel * 64 * 64 + pixel]
          let level = truncates ? (x + 1) * 127.5 : 127.5 * x + 128
          expected.append(UInt8(min(max(level, 0), 255)))
        }
      }
      let path = "\(out)/00000\(index).png"
      let file = try Data(contentsOf: URL(fileURLWithPath: path))
      let image = try Image(file: [UInt8](file), subject: path)
      #expect((image.width, image.height, image.channels) == (64, 64, 3))
      #expect(image.pixels == expected)
    }
  }

  /// A score of decoded samples, whatever the division of the work; their size is compared with
  /// that of the statistics' images after decoding.
  @Test func latentsAreScored() throws {
    let files = try Self.grey()
    var results: [[String: Any]] = []
    let kept = ["--run", files.folder.path("run"), "--unit", "5"]
    for (threads, batch, more) in [("1", "3", []), ("2", "32", []), ("2", "32", kept)] {
      let run = try DisEvalProcess(
        ["fid", "--ckpt", files.checkpoint, "--decoder", files.decoder, "--ref"]
          + [DisEvalProcess.statistics, "--num", "12", "--threads", threads, "--batch", batch]
          + ["--json"] + Self.fast + more)
      #expect(run.status == 0, "\(run.errors)")
      results.append(try run.json())
    }
    for key in ["metrics", "provenance", "samples_sha256"] {
      for other in results.dropFirst() {
        #expect(try canonical(results[0][key]) == canonical(other[key]), "\(key)")
      }
    }
    let provenance = try #require(results[0]["provenance"] as? [String: Any])
    let decoder = try #require(provenance["decoder"] as? [String: Any])
    #expect(decoder["file"] as? String == "decoder.safetensors")
    #expect((decoder["sha256"] as? String)?.count == 64)
    #expect(decoder["scale"] as? Double == 0.18215 && decoder["tile"] == nil)

    let tiled = try DisEvalProcess(
      ["evaluate", "--ckpt", files.checkpoint, "--decoder", files.decoder, "--ref"]
        + [DisEvalProcess.statistics, "--num", "12", "--decoder-tile", "8"] + Self.fast)
    #expect(tiled.status == 0, "\(tiled.errors)")
    #expect(tiled.output.contains("scale 0.18215, tiles of 8"), "\(tiled.output)")
  }

  @Test func imagesOfAnotherSizeAreNotCompared() throws {
    let files = try Files()
    let run = try DisEvalProcess(
      ["fid", "--ckpt", files.checkpoint, "--decoder", files.decoder, "--ref"]
        + [DisEvalProcess.statistics, "--num", "4"] + Self.fast)
    #expect(run.status == 65 && run.errors.contains("64"), "\(run.errors)")
  }

  @Test func aPixelModelHasNoDecoder() throws {
    let files = try Self.grey()
    let pixels = try DisEvalProcess(
      [
        "fid", "--ckpt", DisEvalProcess.checkpoint, "--ref", DisEvalProcess.statistics, "--num",
        "4",
      ]
        + ["--json"] + Self.fast)
    let provenance = try #require(try pixels.json()["provenance"] as? [String: Any])
    #expect(provenance["decoder"] == nil)
    let run = try DisEvalProcess(
      ["fid", "--ckpt", DisEvalProcess.checkpoint, "--decoder", files.decoder, "--ref"]
        + [DisEvalProcess.statistics, "--num", "4"] + Self.fast)
    #expect(run.status == 64 && run.errors.contains("PixelModel"), "\(run.errors)")
  }

  @Test func theDecoderMustFitTheLatents() throws {
    let files = try Files(SyntheticDiS.models["width50"], SyntheticDecoder.models["mono"])
    try expectRefused(files, status: 65, "DecoderMismatch")
  }

  @Test func withoutADecoderThereIsAHint() throws {
    let files = try Files()
    let run = try DisEvalProcess(
      ["sample", "--ckpt", files.checkpoint, "--out", files.folder.path("png")] + Self.fast)
    #expect(run.status == 69 && run.errors.contains("--decoder FILE"), "\(run.errors)")
  }

  @Test func anotherFileIsNoDecoder() throws {
    let files = try Files()
    try FileManager.default.removeItem(atPath: files.decoder)
    try expectRefused(files, status: 66, "decoder.safetensors")
    try FileManager.default.copyItem(atPath: files.checkpoint, toPath: files.decoder)
    try expectRefused(files, status: 65, "NotADecoder")
  }

  /// Weights that overflow: the image of which sample it is, is said.
  @Test func decodedValuesThatAreNotFiniteAreRefused() throws {
    let files = try Files()
    let model = try #require(SyntheticDecoder.models["tiny8"])
    let tensors = model.tensors.map { tensor in
      tensor.key != "decoder.conv_out.weight"
        ? tensor
        : SyntheticTensor(key: tensor.key, shape: tensor.shape) {
          tensor.values().map { $0 < 0 ? -3e38 : 3e38 }
        }
    }
    try writeSafetensors(tensors, to: URL(fileURLWithPath: files.decoder))
    try expectRefused(files, ["--threads", "1"], status: 65, "NotFinite", "sample 0")
  }

  /// Latents of 1024 x 1024 for a decoder to 32 times as many: 400 GB that nobody sets aside.
  @Test func whatNoMemoryHoldsIsRefused() throws {
    let files = try Files(
      SyntheticDiS(seed: 42, embedDim: 64, depth: 2, patch: 4, channels: 4, side: 1024),
      SyntheticDecoder(
        seed: 43, latentChannels: 4, blocks: [Int](repeating: 32, count: 6), resnets: 1))
    try expectRefused(files, status: 71, "--decoder-tile")
  }

  @Test(
    "a wrong command line exits 64",
    arguments: [
      ["--latent-scale", "0"], ["--latent-scale", "nan"], ["--latent-scale", "-1"],
      ["--decoder-tile", "0"], ["--decoder-tile", "6"], ["--decoder-tile", "-4"],
    ])
  func options(options: [String]) throws {
    try expectRefused(try Files(), options, status: 64, String(options[0].dropFirst(2)))
  }

  @Test func whatNeedsADecoderSaysSo() throws {
    let files = try Files()
    for arguments in [
      ["sample", "--ckpt", files.checkpoint, "--latent-scale", "1", "--out", "x"],
      ["sample", "--ckpt", files.checkpoint, "--decoder-tile", "8", "--out", "x"],
      ["sample", "--ckpt", files.checkpoint, "--decoder", files.decoder, "--raw-out", "x"],
      ["fid", "--images", "x", "--ref", "y", "--decoder", files.decoder],
    ] {
      let run = try DisEvalProcess(arguments)
      #expect(run.status == 64, "\(arguments): \(run.errors)")
    }
  }

  @Test func inspectDescribesADecoder() throws {
    let files = try Files()
    let whole = DisEvalProcess.file("Tests/AutoencoderTests/Fixtures/compvis.ckpt")
    for path in [files.decoder, whole] {
      let run = try DisEvalProcess("inspect", path, "--json")
      #expect(run.status == 0, "\(run.errors)")
      let document = try run.json()
      #expect(document["architecture"] as? String == "AutoencoderKL")
      let decoder = try #require(document["decoder"] as? [String: Any])
      #expect(decoder["latent_channels"] as? Int == 4 && decoder["image_channels"] as? Int == 3)
      let text = try DisEvalProcess("inspect", path)
      #expect(text.output.contains("latents with 4 channels to images with 3"), "\(text.output)")
    }
  }

  /// Runs `sample` and expects a failure that contains `parts`, and no image.
  private func expectRefused(
    _ files: Files, _ options: [String] = [], status: Int32, _ parts: String...,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let out = files.folder.path("images.npz")
    let run = try DisEvalProcess(
      ["sample", "--ckpt", files.checkpoint, "--decoder", files.decoder, "--num", "2"]
        + ["--out", out] + Self.fast + options)
    #expect(run.status == status, "\(run.errors)", sourceLocation: sourceLocation)
    for part in parts {
      #expect(run.errors.contains(part), "\(run.errors)", sourceLocation: sourceLocation)
    }
    #expect(!FileManager.default.fileExists(atPath: out), sourceLocation: sourceLocation)
  }
}
