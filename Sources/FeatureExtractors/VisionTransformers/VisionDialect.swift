import Tensors

/// The use of vision networks by a published tool: how images are prepared, how position embeddings
/// are resampled, which activation is computed and what is taken as features.
///
/// The same file of weights gives different features in each dialect.
public enum VisionDialect: String, CaseIterable, Codable, Sendable {
  /// NVlabs/edm2, `calculate_metrics.py`.
  case edm2
  /// layer6ai-labs/dgm-eval.
  case dgmEval = "dgm-eval"
  /// toshas/torch-fidelity.
  case torchFidelity = "torch-fidelity"
  /// The networks of FDr: Jiawei-Yang/FD-loss, and `fd_evaluator` of diffusionbench-evals, both on
  /// timm.
  case fdr
  /// sayakpaul/cmmd-pytorch.
  case cmmd

  /// Returns whether the tool uses networks of the family.
  public func applies(to family: VisionFamily) -> Bool {
    switch (self, family) {
    case (.fdr, _), (.torchFidelity, .dinov2), (.torchFidelity, .clip): true
    case (.edm2, .dinov2), (.dgmEval, .dinov2), (.cmmd, .clip): true
    default: false
    }
  }

  /// Returns how the tool prepares images for a network.
  ///
  /// - Parameters:
  ///   - family: A family to which the dialect applies.
  ///   - side: The side of the images that the network was made for, which CLIP's are resized to.
  ///   - patch: The side of a patch in pixels.
  package func preparation(of family: VisionFamily, side: Int, patch: Int) -> VisionPreparation {
    switch self {
    case .edm2: VisionPreparation(.torchBicubic, side: 224, .unit, .imageNet)
    case .dgmEval: VisionPreparation(.pillowBicubic, side: 224, .unit, .imageNet)
    case .cmmd: VisionPreparation(.pillowBicubicOfSquare, side: side, .unit, .openAI)
    case .torchFidelity:
      family == .clip
        ? VisionPreparation(.tensorFlow, side: side, .bytes, .openAI)
        : VisionPreparation(.tensorFlow, side: 224, .bytes, .imageNet)
    case .fdr:
      switch family {
      case .dinov2:
        VisionPreparation(
          .torchBicubic, side: 256, .bytes, .imageNet, paddedToMultipleOf: patch)
      case .clip:
        VisionPreparation(.torchBicubic, side: 256, .bytes, .openAI, paddedToMultipleOf: patch)
      case .siglip2: VisionPreparation(.torchBicubic, side: 224, .bytes, .half)
      case .mae, .convNeXtV2: VisionPreparation(.torchBicubic, side: 224, .bytes, .imageNet)
      }
    }
  }

  /// Returns what the tool computes with a vision transformer.
  ///
  /// - Parameters:
  ///   - configuration: A network of a family to which the dialect applies.
  ///   - side: The side of the network's input in pixels.
  package func form(
    of configuration: VisionTransformerConfiguration, side: Int
  ) -> VisionTransformerForm {
    let isTimm = self == .fdr
    return switch configuration.family {
    case .clip:
      // timm's networks for OpenAI's weights compute GELU by its definition, and have no projection.
      VisionTransformerForm(
        side: side, positions: .antialiased, activation: isTimm ? .erf : .quick,
        readout: isTimm ? .token : .projection)
    case .siglip2:
      VisionTransformerForm(
        side: side, positions: .antialiased, activation: .tanh, readout: .pool)
    default:
      VisionTransformerForm(
        side: side,
        positions: isTimm || configuration.registers > 0 ? .antialiased : .cubicWithOffset,
        activation: .erf, readout: .token)
    }
  }
}
