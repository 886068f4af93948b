import Autoencoder
import Checkpoints
import Files
import Foundation
import Tensors
import Testing
import _TestSupport

@Suite("Decoder files") struct DecoderFileTests {
  private func load(_ path: String) throws(Failure) -> KLDecoder {
    try KLDecoder(try CheckpointFile.open(path).stateDict(key: nil))
  }

  private func load(_ tensors: [SyntheticTensor]) throws -> KLDecoder {
    let folder = try TemporaryFolder()
    let path = folder.path("decoder.safetensors")
    try writeSafetensors(tensors, to: URL(fileURLWithPath: path))
    return try load(path)
  }

  /// Files that torch wrote: old names of diffusers beside a piece of an encoder, and CompVis's in
  /// a whole diffusion model.
  @Test("reads what torch writes", arguments: ["old_names.bin", "compvis.ckpt"])
  func torchFiles(name: String) throws {
    let decoder = try load(goldens.path(name))
    let latent = try #require(SyntheticDecoder.models["tiny"]).latent(3, 4)
    let worst = try worst(
      decoder(latent).values, SyntheticDecoder.golden("files.out").values)
    #expect(worst.relative <= 1e-5, "\(worst)")
  }

  @Test func everyNamingIsTheSameDecoder() throws {
    let model = try #require(SyntheticDecoder.models["tiny"])
    let tensors = model.tensors
    let extra = ["encoder.conv_in.weight", "quant_conv.weight", "loss.logvar", "model_ema.decay"]
      .map { SyntheticTensor(key: $0, shape: [1]) { [0] } }
    let latent = model.latent(5, 7)
    let expected = try load(tensors)(latent)
    let blocks = model.blocks.count
    for other in [
      tensors + extra, tensors.withOldDiffusersNames + extra,
      tensors.withCompVisNames(blocks: blocks, prefix: "") + extra,
      tensors.withCompVisNames(blocks: blocks, prefix: "first_stage_model.") + extra,
    ] {
      #expect(try load(other)(latent) == expected, "\(other[9].key)")
    }
  }

  @Test(
    "refuses other networks by name",
    arguments: [
      (["quantize.embedding.weight", "decoder.conv_in.weight"], "VQModel"),
      (["first_stage_model.quantize.embedding.weight", "first_stage_model.decoder.a"], "VQModel"),
      (["encoder.layers.0.weight", "decoder.layers.0.weight"], "AutoencoderTiny"),
      (["encoder.conv_in.weight", "quant_conv.weight"], "an encoder without its decoder"),
      (["in_blocks.0.mixer.in_proj.weight"], "a DiS diffusion model"),
      (["a"], "an unknown network"),
      (["decoder.mid_block.resnets.0.conv1.weight"], "a decoder of 0 blocks"),
    ])
  func otherNetworks(names: [String], message: String) throws {
    let failure = #expect(throws: Failure.self) {
      _ = try load(names.map { SyntheticTensor(key: $0, shape: [1]) { [0] } })
    }
    #expect(failure?.code == .notADecoder && failure?.status == .dataRefused)
    #expect(failure?.detail.contains(message) == true, "\(String(describing: failure))")
  }

  /// The shapes that decide the architecture.
  @Test(
    "refuses shapes of no KL decoder",
    arguments: [
      ("post_quant_conv.weight", [4, 4, 1, 1, 1]), ("post_quant_conv.weight", [4, 0, 1, 1]),
      ("decoder.conv_out.weight", [4, 32, 3, 3]),
      ("post_quant_conv.weight", [4, 1 << 40, 0, 1]),
      ("decoder.up_blocks.1.resnets.0.conv1.weight", [48, 64, 3, 3]),
      ("decoder.up_blocks.1.resnets.0.conv1.weight", [2048, 1, 1, 1]),
    ])
  func architectures(key: String, shape: [Int]) throws {
    let tensors = try #require(SyntheticDecoder.models["tiny"]).tensors.map { tensor in
      tensor.key == key
        ? SyntheticTensor(key: key, shape: shape) { .init(repeating: 0, count: shape.reduce(1, *)) }
        : tensor
    }
    let failure = #expect(throws: Failure.self) { _ = try load(tensors) }
    #expect(failure?.code == .notADecoder && failure?.status == .dataRefused)
  }

  /// Each tensor left out, and each of a shape that is one longer in one extent. What decides the
  /// architecture is met again in other shapes, but for the channels of a latent, which any mixture
  /// may have.
  @Test func refusesWhatDoesNotFit() throws {
    let tensors = try #require(SyntheticDecoder.models["tiny"]).tensors
    for (index, tensor) in tensors.enumerated() {
      var without = tensors
      without.remove(at: index)
      var failure = #expect(throws: Failure.self, "\(tensor.key)") { _ = try load(without) }
      #expect(
        ["NotADecoder", "CheckpointMismatch"].contains(failure?.code.rawValue), "\(tensor.key)")
      for axis in tensor.shape.indices where (tensor.key, axis) != ("post_quant_conv.weight", 1) {
        var shape = tensor.shape
        shape[axis] += 1
        var changed = tensors
        changed[index] = SyntheticTensor(key: tensor.key, shape: shape) {
          .init(repeating: 0, count: shape.reduce(1, *))
        }
        failure = #expect(throws: Failure.self, "\(tensor.key) \(shape)") { _ = try load(changed) }
        #expect(
          ["NotADecoder", "CheckpointMismatch"].contains(failure?.code.rawValue), "\(tensor.key)")
      }
    }
  }

  @Test func namesWhatIsTooMuch() throws {
    let tensors = try #require(SyntheticDecoder.models["tiny"]).tensors
    let extra = SyntheticTensor(key: "decoder.up_blocks.0.attentions.0.to_q.weight", shape: [1]) {
      [0]
    }
    let failure = #expect(throws: Failure.self) { _ = try load(tensors + [extra]) }
    #expect(failure?.code == .checkpointMismatch)
    #expect(failure?.detail.contains(extra.key) == true)
  }

  @Test func refusesWeightsThatAreNotFinite() throws {
    var tensors = try #require(SyntheticDecoder.models["tiny"]).tensors
    let bias = tensors[1]
    tensors[1] = SyntheticTensor(key: bias.key, shape: bias.shape) { [0, .nan, 0, 0] }
    let failure = #expect(throws: Failure.self) { _ = try load(tensors) }
    #expect(failure?.code == .nonFiniteWeights && failure?.detail.contains(bias.key) == true)
  }

  /// Cut and damaged files are refused or read, and never trap.
  @Test func damagedFiles() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("damaged")
    let tiny = folder.path("tiny.safetensors")
    try #require(SyntheticDecoder.models["tiny"]).write(to: tiny)
    var random = SeededGenerator(seed: 14)
    for source in [goldens.path("old_names.bin"), goldens.path("compvis.ckpt"), tiny] {
      let data = [UInt8](try Data(contentsOf: URL(fileURLWithPath: source)))
      for count in stride(from: 0, to: data.count, by: data.count / 60 + 1) {
        try Data(data[..<count]).write(to: URL(fileURLWithPath: path))
        #expect(throws: Failure.self) { _ = try load(path) }
      }
      for _ in 0..<150 {
        var damaged = data
        // Headers and pickles stand at the beginning of one format and near the ends of the other.
        let end = Bool.random(using: &random)
        for _ in 0..<Int.random(in: 1...4, using: &random) {
          let offset = Int.random(in: 0..<min(8000, data.count), using: &random)
          damaged[end ? data.count - 1 - offset : offset] = UInt8.random(
            in: 0...255, using: &random)
        }
        try Data(damaged).write(to: URL(fileURLWithPath: path))
        do { _ = try load(path) } catch { #expect(error.status == .dataRefused, "\(error)") }
      }
    }
  }
}
