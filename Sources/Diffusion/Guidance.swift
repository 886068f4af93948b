import Tensors

/// Which channels of a prediction classifier-free guidance changes.
package enum GuidedChannels: String, CaseIterable, Sendable {
  /// All noise channels and never the variance.
  case all
  /// The first three output channels, as the original code does "for exact reproducibility": the
  /// fourth latent channel is left alone, and with one or two channels the variance is not.
  case first3

  /// The number of leading output channels that are guided.
  package func count(channels: Int, outputChannels: Int) -> Int {
    switch self {
    case .all: channels
    case .first3: min(3, outputChannels)
    }
  }
}

/// Classifier-free guidance: `unconditional + scale (conditional - unconditional)` in the guided
/// channels, the conditional prediction in the others.
///
/// - Parameters:
///   - conditional: `[Co, H, W]`.
///   - unconditional: The prediction for the null class, same shape.
///   - guidedChannels: How many leading channels are guided.
/// - SeeAlso: Ho & Salimans, arXiv 2207.12598, Eq. (6); `forward_with_cfg` in feizc/DiS.
package func guided(
  conditional: Tensor, unconditional: Tensor, scale: Float, guidedChannels: Int
) -> Tensor {
  precondition(conditional.shape == unconditional.shape)
  var result = conditional
  let plane = conditional.shape.dropFirst().reduce(1, *)
  for i in 0..<guidedChannels * plane {
    let base = unconditional.values[i]
    result.values[i] = base + scale * (conditional.values[i] - base)
  }
  return result
}
