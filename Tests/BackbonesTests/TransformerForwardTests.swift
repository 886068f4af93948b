import Backbones
import Checkpoints
import Diffusion
import Foundation
import Tensors
import Testing
import _TestSupport

@Suite("Transformers' forward pass") struct TransformerForwardTests {
  /// The bound is several times the original's own difference between float32 and float64, 2e-7 to
  /// 6e-7, and a third of that of the smallest mistake: another epsilon of the norms (3.3e-6).
  @Test(
    "agrees with the original",
    arguments: ["dit_a", "dit_b", "sit_a", "repa_a", "uvit_a", "uvit_b", "uvit_odd"])
  func agreesWithTheOriginal(name: String) throws {
    let golden = try NPZ.read(TransformerGoldens.path("\(name).forward.npz"))
    let model = try TransformerGoldens.model(name)
    let inputs = try golden.array("x")
    let times = try golden.array("t").doubles()
    let labels = try? golden.array("y").integers()
    let expected = try golden.array("out64")
    var values: [Float] = []
    for index in times.indices {
      let output = model(
        TransformerGoldens.part(inputs, index), time: times[index],
        label: model.architecture.classCount == nil ? nil : labels?[index])
      #expect(output.shape == Array(expected.shape.dropFirst()))
      values += output.values
    }
    let difference = TransformerGoldens.relativeDifference(values, expected.doubles())
    #expect(difference <= 1.5e-6)
  }

  /// The demo's trained weights; the goldens are from scripts/train_demo/make_goldens.py.
  @Test func trainedWeightsAgreeToo() throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../scripts/train_demo/fashion-uvit.safetensors")
    let state = try CheckpointFile.open(file.path).stateDict(key: nil)
    var choices = BackboneChoices()
    choices.nullClass = .label(10)
    let recognized = try RecognizedBackbone(state, choices: choices)
    #expect(recognized.architecture.parameterCount == 639_002)
    let model = try recognized.load(state)
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/Fixtures/"
    func array(_ name: String) throws -> NPYArray {
      try NPYArray.read(folder + "fashion_uvit.\(name).npy")
    }
    let (inputs, times) = (try array("x"), try array("t").doubles())
    let labels = try array("y").integers()
    let expected = try array("out").doubles()
    var values: [Float] = []
    for index in times.indices {
      let input = TransformerGoldens.part(inputs, index)
      values += model(input, time: times[index], label: labels[index]).values
    }
    #expect(TransformerGoldens.relativeDifference(values, expected) <= 1.5e-6)
  }

  @Test("guides the first three channels as the original", arguments: ["dit_a", "sit_a"])
  func guidance(name: String) throws {
    let golden = try NPZ.read(TransformerGoldens.path("\(name).forward.npz"))
    let model = try TransformerGoldens.model(name)
    let times = try golden.array("t").doubles()
    let labels = try golden.array("y").integers()
    let guidance = Guidance(scale: 4, channels: .first3)
    var values: [Float] = []
    for index in times.indices {
      // The generator of the goldens replaces the null class.
      let label = labels[index] == 10 ? 3 : labels[index]
      values +=
        guidance(at: times[index], imageChannels: 4) { isConditional in
          model(
            TransformerGoldens.part(try! golden.array("x"), index), time: times[index],
            label: isConditional ? label : model.architecture.nullClass)
        }.values
    }
    let expected = try golden.array("cfg64").doubles()
    #expect(TransformerGoldens.relativeDifference(values, expected) <= 3e-6)
  }

  @Test("bfloat16 keeps two digits", arguments: ["dit_a", "uvit_a"])
  func bfloat16(name: String) throws {
    let golden = try NPZ.read(TransformerGoldens.path("\(name).forward.npz"))
    let model = try TransformerGoldens.model(name, precision: .bfloat16)
    let times = try golden.array("t").doubles()
    let labels = try? golden.array("y").integers()
    var values: [Float] = []
    for index in times.indices {
      values +=
        model(
          TransformerGoldens.part(try golden.array("x"), index), time: times[index],
          label: model.architecture.classCount == nil ? nil : labels?[index]
        ).values
    }
    let expected = try golden.array("out64").doubles()
    // Less than 1e-4 would be no bfloat16.
    #expect((1e-4...2e-2).contains(TransformerGoldens.relativeDifference(values, expected)))
  }
}
