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

/// Classifier-free guidance at the timesteps of an interval; outside of it the scale is 1.
///
/// - SeeAlso: Kynkaanniemi et al., arXiv 2404.07724.
package struct Guidance: Sendable {
  /// 1 is the conditional prediction, 0 the unconditional.
  package let scale: Float
  /// What is guided.
  package let channels: GuidedChannels
  /// Original timesteps.
  package let interval: ClosedRange<Int>

  /// Guidance, everywhere unless said otherwise.
  package init(
    scale: Float, channels: GuidedChannels = .all,
    interval: ClosedRange<Int> = Respacing.trainingTimesteps
  ) {
    self.scale = scale
    self.channels = channels
    self.interval = interval
  }

  /// The predictions that are used at a timestep, true for the class and false for no class. The
  /// network is evaluated once for each: not for no class where the scale is 1, and not for the class
  /// where it is 0 and all channels are guided, so that the variance then is the unconditional one too.
  ///
  /// - Parameter timestep: Original timestep.
  package func predictions(at timestep: Int) -> [Bool] {
    guard scale != 1, interval.contains(timestep) else { return [true] }
    return scale == 0 && channels == .all ? [false] : [false, true]
  }

  /// The guided prediction, from the ``predictions(at:)`` that it uses.
  ///
  /// - Parameters:
  ///   - timestep: Original timestep.
  ///   - imageChannels: C of the output's C or 2C channels.
  ///   - predict: The network's prediction, for the class if true and for no class if false.
  package func callAsFunction(
    at timestep: Int, imageChannels: Int, predict: (_ conditional: Bool) throws -> Tensor
  ) rethrows -> Tensor {
    var outputs: [Tensor] = []
    for isConditional in predictions(at: timestep) { outputs.append(try predict(isConditional)) }
    guard outputs.count == 2 else { return outputs[0] }
    return guided(
      conditional: outputs[1], unconditional: outputs[0], scale: scale,
      guidedChannels: channels.count(channels: imageChannels, outputChannels: outputs[0].shape[0]))
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
