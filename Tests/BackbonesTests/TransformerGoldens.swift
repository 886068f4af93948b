import Backbones
import Checkpoints
import Diffusion
import Foundation
import Tensors
import Testing
import _TestSupport

/// Small transformers with seeded weights, and what the original code computes with them in float64:
/// scripts/fixtures/backbones.py.
enum TransformerGoldens {
  static func path(_ name: String) -> String { Goldens(.module).path("transformers/\(name)") }

  /// What has to be said about each model, because its extents are none of the papers'.
  static func choices(_ model: String) -> BackboneChoices {
    var choices = BackboneChoices()
    switch model {
    case "dit_a": (choices.family, choices.heads) = (.dit, 3)
    case "dit_b": (choices.family, choices.heads) = (.dit, 1)
    case "sit_a": (choices.family, choices.heads) = (.sit, 3)
    case "repa_a": choices.heads = 3
    case "uvit_a": choices.heads = 2
    case "uvit_b":
      (choices.heads, choices.objective, choices.nullClass) = (3, .sd, .label(5))
    default: choices.heads = 3
    }
    return choices
  }

  static func model(
    _ name: String, _ choices: BackboneChoices? = nil, precision: Precision = .float32
  ) throws -> any Backbone {
    let state = try CheckpointFile.open(path("\(name).safetensors")).stateDict(key: nil)
    return try RecognizedBackbone(state, choices: choices ?? self.choices(name))
      .load(state, precision: precision)
  }

  /// Returns part `index` of the first axis of an array as a tensor.
  static func part(_ array: NPYArray, _ index: Int) -> Tensor {
    let shape = Array(array.shape.dropFirst())
    let size = shape.reduce(1, *)
    return Tensor(
      shape: shape, values: Array(array.floats()[index * size..<(index + 1) * size]))
  }

  /// Returns the root of the mean square of a difference, relative to that of what is expected.
  static func relativeDifference(_ values: [Float], _ expected: [Double]) -> Double {
    var (difference, square) = (0.0, 0.0)
    for (value, expected) in zip(values, expected) {
      difference += (Double(value) - expected) * (Double(value) - expected)
      square += expected * expected
    }
    return values.count == expected.count ? (difference / square).squareRoot() : .infinity
  }
}
