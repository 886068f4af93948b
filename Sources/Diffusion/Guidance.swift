import Tensors

/// The channels of a prediction that classifier-free guidance changes.
public enum GuidedChannels: String, CaseIterable, Sendable {
  /// All noise channels, but not the variance.
  case all
  /// The first three output channels, as in the original code "for exact reproducibility". The
  /// fourth latent channel is left unchanged, whereas with one or two channels the variance is
  /// changed.
  case first3

  /// Returns the number of leading output channels that are guided.
  ///
  /// - Parameters:
  ///   - channels: The number of noise channels, C.
  ///   - outputChannels: The number of output channels, Co: C or 2C.
  package func count(channels: Int, outputChannels: Int) -> Int {
    switch self {
    case .all: channels
    case .first3: min(3, outputChannels)
    }
  }
}

/// Classifier-free guidance at the times of an interval. Outside of the interval, the scale is 1.
///
/// - SeeAlso: Kynkäänniemi et al., arXiv 2404.07724.
package struct Guidance: Sendable {
  /// The guidance scale: 1 gives the conditional prediction, 0 the unconditional one.
  package let scale: Float
  /// The channels that are guided.
  package let channels: GuidedChannels
  /// The guided times, in the time of the process: timesteps of training, 0 to 999, or t in [0, 1].
  package let interval: ClosedRange<Double>

  /// The interval that includes every time of every process.
  package static let everywhere = 0.0...999

  /// Creates a guidance, by default for all times.
  ///
  /// - Parameters:
  ///   - scale: The guidance scale: 1 gives the conditional prediction, 0 the unconditional one.
  ///   - channels: The channels that are guided.
  ///   - interval: The guided times, in the time of the process.
  package init(
    scale: Float, channels: GuidedChannels = .all,
    interval: ClosedRange<Double> = everywhere
  ) {
    self.scale = scale
    self.channels = channels
    self.interval = interval
  }

  /// Returns the predictions used at a time: true for the class, false for no class.
  ///
  /// The network is evaluated once for each of them. The prediction for no class is omitted if the
  /// scale is 1. The prediction for the class is omitted if the scale is 0 and all channels are
  /// guided, so that the variance is then also the unconditional one.
  ///
  /// - Parameter time: The time of the process.
  package func predictions(at time: Double) -> [Bool] {
    guard scale != 1, interval.contains(time) else { return [true] }
    return scale == 0 && channels == .all ? [false] : [false, true]
  }

  /// Returns the guided prediction, computed from ``predictions(at:)``.
  ///
  /// - Parameters:
  ///   - time: The time of the process.
  ///   - imageChannels: The number of image channels C, where the output has C or 2C channels.
  ///   - predict: Returns the network's prediction, for the class if the argument is true and for
  ///     no class otherwise; `[C, H, W]` or `[2C, H, W]`.
  /// - Returns: A tensor of the shape of the predictions.
  /// - Throws: The error thrown by `predict`.
  package func callAsFunction(
    at time: Double, imageChannels: Int, predict: (_ conditional: Bool) throws -> Tensor
  ) rethrows -> Tensor {
    var outputs: [Tensor] = []
    for isConditional in predictions(at: time) { outputs.append(try predict(isConditional)) }
    guard outputs.count == 2 else { return outputs[0] }
    return guided(
      conditional: outputs[1], unconditional: outputs[0], scale: scale,
      guidedChannels: channels.count(channels: imageChannels, outputChannels: outputs[0].shape[0]))
  }
}

/// Applies classifier-free guidance: `unconditional + scale (conditional - unconditional)` in the
/// guided channels, and the conditional prediction in the others.
///
/// - Parameters:
///   - conditional: The prediction for the class, `[Co, H, W]`.
///   - unconditional: The prediction for the null class, `[Co, H, W]`.
///   - scale: The guidance scale: 1 gives the conditional prediction, 0 the unconditional one.
///   - guidedChannels: The number of leading channels that are guided, `0...Co`.
/// - Returns: `[Co, H, W]`.
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
