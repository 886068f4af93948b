import Checkpoints

/// The names of the tensors of a ConvNeXt V2.
package enum ConvNeXtNames: String, CaseIterable, Sendable {
  /// Those of timm.
  case timm
  /// Those of facebookresearch/ConvNeXt-V2.
  case original = "convnextv2"

  /// The names of the layers and tensors of a block.
  struct Block {
    let convolution, norm, first, second: String
    /// The gain and the shift of the global response normalisation.
    let gain, shift: String
  }

  /// Recognises the naming of a state dict, or returns nil if it is that of another network.
  init?(_ state: StateDict) {
    func has(_ name: String) -> Bool { state.info(name) != nil }
    if has("stages.0.blocks.0.mlp.grn.weight") {
      self = .timm
    } else if has("downsample_layers.0.0.weight"), has("stages.0.0.grn.gamma") {
      self = .original
    } else {
      return nil
    }
  }

  /// The extents of 1 before `[4C]` in the shapes of the global response normalisation.
  var normalizationAxes: [Int] { self == .timm ? [] : [1, 1, 1] }

  /// Returns the layers that reduce the image before a stage.
  func reduction(_ stage: Int) -> (norm: String, convolution: String) {
    switch (self, stage) {
    case (.timm, 0): ("stem.1", "stem.0")
    case (.timm, _): ("stages.\(stage).downsample.0", "stages.\(stage).downsample.1")
    case (.original, 0): ("downsample_layers.0.1", "downsample_layers.0.0")
    case (.original, _): ("downsample_layers.\(stage).0", "downsample_layers.\(stage).1")
    }
  }

  /// Returns the names of a block.
  func block(_ index: Int, ofStage stage: Int) -> Block {
    switch self {
    case .timm:
      let block = "stages.\(stage).blocks.\(index)"
      return Block(
        convolution: "\(block).conv_dw", norm: "\(block).norm", first: "\(block).mlp.fc1",
        second: "\(block).mlp.fc2", gain: "\(block).mlp.grn.weight", shift: "\(block).mlp.grn.bias")
    case .original:
      let block = "stages.\(stage).\(index)"
      return Block(
        convolution: "\(block).dwconv", norm: "\(block).norm", first: "\(block).pwconv1",
        second: "\(block).pwconv2", gain: "\(block).grn.gamma", shift: "\(block).grn.beta")
    }
  }

  /// Returns whether a tensor is of the classifier, including its layer norm.
  func isBeside(_ name: String) -> Bool {
    switch self {
    case .timm:
      ["head.norm.weight", "head.norm.bias", "head.fc.weight", "head.fc.bias"].contains(name)
    case .original: ["norm.weight", "norm.bias", "head.weight", "head.bias"].contains(name)
    }
  }
}
