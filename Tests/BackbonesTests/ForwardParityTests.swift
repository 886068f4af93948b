import Checkpoints
import Backbones
import Diffusion
import Files
import Foundation
import Tensors
import Testing
import _TestSupport

private let goldens = Goldens(.module)

/// The forward pass against the original code in float64; weights and inputs are described in
/// Fixtures/MANIFEST.json, which also records how far the original's own float32 is from it.
@Suite("DiS forward pass") struct ForwardParityTests {
  @Test(
    "agrees with the original",
    arguments: [
      "small", "no_sigma", "no_skip", "patch4", "bfloat16", "width50", "width768", "s2_px32",
      "s2_lat32_c1000",
    ])
  func agreesWithTheOriginal(name: String) throws {
    let folder = try TemporaryFolder()
    let synthetic = try #require(SyntheticDiS.models[name])
    let model = try DiSModel(synthetic.stateDict(in: folder))
    let inputs = try goldens.tensors("\(name).x")
    let timesteps = try goldens.array("\(name).t").floats()
    let labels = synthetic.classes == nil ? nil : try goldens.array("\(name).y").integers()
    for (index, expected) in try goldens.tensors("\(name).out").enumerated() {
      let output = model(inputs[index], time: Double(timesteps[index]), label: labels?[index])
      #expect(output.shape == expected.shape)
      let worst = worst(output.values, expected.values)
      #expect(worst.relative <= 2e-5, "image \(index): \(worst)")
    }
  }

  /// The demo's trained weights; the goldens are from scripts/train_demo/make_goldens.py.
  @Test func trainedWeightsAgreeToo() throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../scripts/train_demo/fashion-dis.safetensors")
    let model = try DiSModel(try CheckpointFile.open(file.path).stateDict(key: nil))
    let inputs = try goldens.tensors("fashion.x")
    let timesteps = try goldens.array("fashion.t").floats()
    let labels = try goldens.array("fashion.y").integers()
    for (index, expected) in try goldens.tensors("fashion.out").enumerated() {
      let output = model(inputs[index], time: Double(timesteps[index]), label: labels[index])
      let worst = worst(output.values, expected.values)
      #expect(worst.relative <= 2e-5, "image \(index): \(worst)")
    }
  }

  /// The original has no such network; the goldens are from scripts/train_demo/make_goldens.py.
  @Test func labelAddedToTheTimeOnly() throws {
    let file = goldens.path("label_in_time.safetensors")
    let model = try DiSModel(try CheckpointFile.open(file).stateDict(key: nil))
    #expect(!model.configuration.labelIsToken)
    #expect(model.architecture.tokenCount == 17)
    #expect(model.architecture.imageSide == 28)
    let inputs = try goldens.tensors("label_in_time.x")
    let timesteps = try goldens.array("label_in_time.t").floats()
    let labels = try goldens.array("label_in_time.y").integers()
    for (index, expected) in try goldens.tensors("label_in_time.out").enumerated() {
      let output = model(inputs[index], time: Double(timesteps[index]), label: labels[index])
      let worst = worst(output.values, expected.values)
      #expect(worst.relative <= 2e-5, "image \(index): \(worst)")
    }
    #expect(model.architecture.parameterCount == 21_730)
  }

  @Test("bfloat16 keeps two digits", arguments: ["small", "width50", "s2_px32", "s2_lat32_c1000"])
  func bfloat16(name: String) throws {
    let folder = try TemporaryFolder()
    let synthetic = try #require(SyntheticDiS.models[name])
    let model = try DiSModel(synthetic.stateDict(in: folder), precision: .bfloat16)
    let inputs = try goldens.tensors("\(name).x")
    let timesteps = try goldens.array("\(name).t").floats()
    let labels = synthetic.classes == nil ? nil : try goldens.array("\(name).y").integers()
    for (index, expected) in try goldens.tensors("\(name).out").enumerated() {
      let output = model(inputs[index], time: Double(timesteps[index]), label: labels?[index])
      let worst = worst(output.values, expected.values)
      // Less than 1e-4 would be no bfloat16.
      #expect((1e-4...2e-2).contains(worst.relative), "image \(index): \(worst)")
    }
  }

  @Test("guides as the original does, and all channels", arguments: GuidedChannels.allCases)
  func guidance(channels: GuidedChannels) throws {
    let folder = try TemporaryFolder()
    let synthetic = try #require(SyntheticDiS.models["width50"])
    let model = try DiSModel(synthetic.stateDict(in: folder))
    let inputs = try goldens.tensors("width50.cfg.x")
    let timesteps = try goldens.array("width50.cfg.t").floats()
    let labels = try goldens.array("width50.cfg.y").integers()
    let configuration = model.configuration
    // The first half of the original's batch has the labels, the second half the null class.
    for (index, expected) in try goldens.tensors("width50.cfg.\(channels)").enumerated()
    where index < inputs.count / 2 {
      let output = guided(
        conditional: model(inputs[index], time: Double(timesteps[index]), label: labels[index]),
        unconditional: model(
          inputs[index], time: Double(timesteps[index]), label: configuration.nullClass),
        scale: 1.5,
        guidedChannels: channels.count(
          channels: configuration.channels, outputChannels: configuration.outputChannels))
      let worst = worst(output.values, expected.values)
      #expect(worst.relative <= 2e-5, "image \(index): \(worst)")
    }
  }

  @Test("embeds timesteps as the original does", arguments: [33, 48, 50, 368, 768])
  func timesteps(dimension: Int) throws {
    let timesteps = try goldens.array("timesteps").floats()
    for (timestep, expected) in zip(
      timesteps, try goldens.tensors("timestep_embedding.\(dimension)"))
    {
      let embedding = timestepEmbedding(timestep, dimension: dimension)
      // PyTorch's own exponential is off by one unit in the last place for most frequencies.
      #expect(worst(embedding.values, expected.values).difference <= 1e-4)
    }
  }
}
