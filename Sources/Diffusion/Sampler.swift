import Tensors

/// Draws a sample from a network's predictions. Knows nothing of the network: it is a closure.
///
/// Legend: C channels, H, W sides; t counts kept steps down from the noisiest.
/// - SeeAlso: `gaussian_diffusion.py`, facebookresearch/DiT.
package struct Sampler: Sendable {
  /// Predicts from (x_t `[C, H, W]`, original timestep): `[C, H, W]` of what ``prediction`` says, or
  /// `[2C, H, W]` of that and variance logits.
  package typealias Predictor = (_ x: Tensor, _ timestep: Int) throws -> Tensor

  /// The kept steps.
  package let schedule: Schedule
  /// How a step is made.
  package let method: SamplingMethod
  /// What the network predicts.
  package let prediction: Prediction
  /// Whether predicted images are clamped to [-1, 1].
  package let clips: Bool

  /// A sampler.
  package init(
    schedule: Schedule, method: SamplingMethod, prediction: Prediction = .epsilon,
    clips: Bool = false
  ) {
    self.schedule = schedule
    self.method = method
    self.prediction = prediction
    self.clips = clips
  }

  /// The original timesteps at which one sample asks for a prediction, in their order: one a step,
  /// and of Heun's method the next one too, where there is one.
  package var evaluatedTimesteps: [Int] {
    schedule.timesteps.indices.reversed().flatMap { t in
      method == .heun && t > 0
        ? [schedule.timesteps[t], schedule.timesteps[t - 1]] : [schedule.timesteps[t]]
    }
  }

  /// How often one sample asks for a prediction.
  package var evaluations: Int { evaluatedTimesteps.count }

  /// How often one sample evaluates the network: a guided prediction may take two evaluations.
  package func networkEvaluations(_ guidance: Guidance) -> Int {
    evaluatedTimesteps.reduce(0) { $0 + guidance.predictions(at: $1).count }
  }

  /// Runs all steps.
  ///
  /// - Parameters:
  ///   - start: x_T, `[C, H, W]`.
  ///   - noise: The noise of a step, 0 for the noisiest, as many values as `start`. Asked only
  ///     where it is used.
  ///   - predict: The network.
  /// - Returns: The sample, `[C, H, W]`, nominally in [-1, 1].
  package func sample(
    from start: Tensor, noise: (Int) -> [Float], predict: Predictor
  ) rethrows -> Tensor {
    var state = self.start(start)
    while !isFinished(state) { try advance(&state, noise: noise, predict: predict) }
    return state.x
  }

  /// Does one step. If the network throws, the state is as it was.
  ///
  /// - Parameters:
  ///   - state: Of this sampler and not finished.
  ///   - noise: The noise of a step, as for ``sample(from:noise:predict:)``.
  ///   - predict: The network.
  package func advance(
    _ state: inout SamplingState, noise: (Int) -> [Float], predict: Predictor
  ) rethrows {
    precondition(!isFinished(state))
    let t = schedule.count - 1 - state.step
    let x = state.x
    let output = try predict(x, schedule.timesteps[t])
    let x0 = predictedImage(x, output, t)
    let stepNoise = method.isStochastic && t > 0 ? noise(state.step) : nil
    state.x =
      switch method {
      case .ddpm: ancestralStep(x, x0, output, t, stepNoise)
      case .ddim(let eta): ddimStep(x, x0, t, eta, stepNoise)
      case .heun: try heunStep(x, x0, t, predict)
      case .dpmSolver2M, .dpmSolver2MSDE:
        multistep(x, x0, t, earlier: state.earlierImage, stepNoise)
      }
    state.step += 1
    state.earlierImage = remembersImage(after: state.step) ? x0 : nil
  }

  /// x0 from what the network said of x_t, clamped if asked for.
  func predictedImage(_ x: Tensor, _ output: Tensor, _ t: Int) -> Tensor {
    let (scale, outputScale) = prediction.imageWeights(alphaBar: schedule.alphaBar[t])
    var x0 = x
    for i in x0.values.indices {
      let value = scale * x.values[i] + outputScale * output.values[i]
      x0.values[i] = clips ? min(max(value, -1), 1) : value
    }
    return x0
  }

  /// epsilon = (x / sqrt(alphaBar) - x0) / sqrt(1 / alphaBar - 1), which is not what the network
  /// said where x0 was clamped.
  func predictedNoise(_ x: Tensor, _ x0: Tensor, _ t: Int) -> Tensor {
    let scale = Float((1 / schedule.alphaBar[t]).squareRoot())
    let noiseScale = Float((1 / schedule.alphaBar[t] - 1).squareRoot())
    var epsilon = x
    for i in epsilon.values.indices {
      epsilon.values[i] = (scale * x.values[i] - x0.values[i]) / noiseScale
    }
    return epsilon
  }
}
