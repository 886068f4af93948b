import Files

/// The meaning of the output of a network that was trained on a flow.
public enum FlowPrediction: String, CaseIterable, Sendable {
  /// The derivative of x_t by the time.
  case velocity
  /// The noise epsilon of x_t.
  case noise
  /// The gradient of the logarithm of the density of x_t, -epsilon / sigma.
  case score
}

/// What a network was trained on: a path, the meaning of the output, and the direction of time.
///
/// The network's time is t in [0, 1], not scaled.
package struct Flow: Equatable, Sendable {
  /// Where the data are.
  package enum Direction: String, CaseIterable, Sendable {
    /// t = 0 is noise and t = 1 data, as in SiT.
    case dataAtOne
    /// t = 1 is noise and t = 0 data, as in REPA, whose velocity has the opposite sign.
    case dataAtZero
  }

  /// A velocity or a score, as weights of x and of the network's output.
  package struct Weights: Equatable, Sendable {
    /// The weight of x.
    package let x: Double
    /// The weight of the output.
    package let output: Double
  }

  /// The path between noise and data. REPA's "cosine" is ``FlowPath/gvp``.
  package let path: FlowPath
  /// The meaning of the network's output.
  package let prediction: FlowPrediction
  /// Where the data are.
  package let direction: Direction

  /// The linear path and the velocity, as in the published SiT.
  package static let sit = Flow(.linear, .velocity, .dataAtOne)
  /// The linear path and the velocity, as in the published REPA.
  package static let repa = Flow(.linear, .velocity, .dataAtZero)

  /// How far a time stays away from the ends where a division by zero would be, `sample_eps`.
  static let margin = 1e-3

  /// Creates a flow.
  ///
  /// - Throws: ``Failure`` `SamplerSettings` (64) for data at 0, unless the path is linear or gvp
  ///   and the velocity is predicted, as in all published models.
  package init(
    path: FlowPath, prediction: FlowPrediction = .velocity, direction: Direction = .dataAtOne
  ) throws(Failure) {
    if direction == .dataAtZero, path == .vp || prediction != .velocity {
      throw Failure(
        .usage, .samplerSettings, "\(path.rawValue), \(prediction.rawValue)",
        "a flow with data at time 0 was found, for which the path is expected to be linear or gvp "
          + "(cosine) and the prediction the velocity")
    }
    self.init(path, prediction, direction)
  }

  private init(_ path: FlowPath, _ prediction: FlowPrediction, _ direction: Direction) {
    (self.path, self.prediction, self.direction) = (path, prediction, direction)
  }

  /// Returns the time at which ``path`` is where this flow is at `t`.
  func pathTime(_ t: Double) -> Double { direction == .dataAtOne ? t : 1 - t }

  /// Returns the weights of data and noise at a time, with their derivatives by this flow's time.
  package func level(at t: Double) -> FlowPath.Level {
    let level = path.level(at: pathTime(t))
    guard direction == .dataAtZero else { return level }
    return FlowPath.Level(
      alpha: level.alpha, sigma: level.sigma, alphaSlope: -level.alphaSlope,
      sigmaSlope: -level.sigmaSlope)
  }

  /// Returns the velocity dx / dt: the output, f x + g output for the score, and
  /// f x - g output / sigma for the noise.
  ///
  /// - SeeAlso: Ma et al., arXiv 2401.08740, Eq. (9); `Transport.get_drift` in
  ///   `transport/transport.py`, willisma/SiT 947f95b.
  package func velocity(at t: Double) -> Weights {
    switch prediction {
    case .velocity: Weights(x: 0, output: 1)
    case .score: Weights(x: path.drift(at: t), output: path.diffusion(at: t))
    case .noise:
      Weights(x: path.drift(at: t), output: -path.diffusion(at: t) / path.level(at: t).sigma)
    }
  }

  /// Returns the score: the output, -output / sigma for the noise, and
  /// (q output - x) / (sigma^2 - q sigma' sigma) with q = alpha / alpha' for the velocity.
  ///
  /// From a velocity, it is infinite where the data are, except on ``FlowPath/vp``.
  /// - SeeAlso: Ma et al., arXiv 2401.08740, Eq. (9); `get_score_from_velocity` in
  ///   `transport/path.py`, willisma/SiT 947f95b, and in `samplers.py`, sihyun-yu/REPA 67f7145.
  package func score(at t: Double) -> Weights {
    let level = level(at: t)
    switch prediction {
    case .score: return Weights(x: 0, output: 1)
    case .noise: return Weights(x: 0, output: -1 / level.sigma)
    case .velocity:
      let ratio = level.alpha / level.alphaSlope
      let variance = level.sigma * level.sigma - ratio * level.sigmaSlope * level.sigma
      return Weights(x: -1 / variance, output: ratio / variance)
    }
  }

  /// The times between which the flow is followed, from noise to data.
  ///
  /// They are 0 and 1 for a velocity on a linear or gvp path, which is finite everywhere. A noise or
  /// a score stays ``margin`` away from both, and the vp path from the data.
  package var interval: (start: Double, end: Double) {
    switch (direction, path, prediction) {
    case (.dataAtZero, _, _): (1, 0)
    case (.dataAtOne, .vp, _): (0, 1 - Self.margin)
    case (.dataAtOne, _, .velocity): (0, 1)
    case (.dataAtOne, _, _): (Self.margin, 1 - Self.margin)
    }
  }
}
