import Tensors

/// Draws samples from the predictions of a network, which is passed as a closure.
///
/// Legend: C channels, H and W image height and width; t is the index of a kept timestep, the
/// noisiest last.
/// - SeeAlso: `gaussian_diffusion.py`, facebookresearch/DiT.
package struct Sampler: Sendable {
  /// Returns the network's prediction for x_t, `[C, H, W]`, and a timestep of training: either
  /// `[C, H, W]` in the meaning of ``prediction``, or `[2C, H, W]`, where the variance logits
  /// follow.
  package typealias Predictor = (_ x: Tensor, _ timestep: Int) throws -> Tensor

  /// The kept timesteps and their noise levels.
  package let schedule: Schedule
  /// The method of a step.
  package let method: SamplingMethod
  /// The meaning of the network's output.
  package let prediction: Prediction
  /// Whether predicted images are clamped to [-1, 1].
  package let clips: Bool

  /// Creates a sampler that visits the timesteps of a schedule.
  package init(
    schedule: Schedule, method: SamplingMethod, prediction: Prediction = .epsilon,
    clips: Bool = false
  ) {
    self.schedule = schedule
    self.method = method
    self.prediction = prediction
    self.clips = clips
  }

  /// The timesteps of training at which one sample requests a prediction, in order: one per step,
  /// and for Heun's method also the next one, if there is one.
  package var evaluatedTimesteps: [Int] {
    schedule.timesteps.indices.reversed().flatMap { t in
      method == .heun && t > 0
        ? [schedule.timesteps[t], schedule.timesteps[t - 1]] : [schedule.timesteps[t]]
    }
  }

  /// The number of predictions that one sample requests.
  package var evaluations: Int { evaluatedTimesteps.count }

  /// Returns how often one sample evaluates the network. A guided prediction may take two
  /// evaluations.
  package func networkEvaluations(_ guidance: Guidance) -> Int {
    evaluatedTimesteps.reduce(0) { $0 + guidance.predictions(at: $1).count }
  }

  /// Computes a sample by running all steps.
  ///
  /// - Parameters:
  ///   - start: x_T, `[C, H, W]`.
  ///   - noise: Returns the noise of a step, where step 0 is the noisiest, with as many values as
  ///     `start`. Called only for steps that add noise.
  ///   - predict: The network.
  /// - Returns: The sample, `[C, H, W]`, nominally in [-1, 1].
  /// - Throws: The error thrown by `predict`.
  package func sample(
    from start: Tensor, noise: (Int) -> [Float], predict: Predictor
  ) rethrows -> Tensor {
    var state = self.start(start)
    while !isFinished(state) { try advance(&state, noise: noise, predict: predict) }
    return state.x
  }

  /// Runs one step. If the network throws, the state is unchanged.
  ///
  /// - Parameters:
  ///   - state: A state of this sampler that is not finished.
  ///   - noise: Returns the noise of a step, as for ``sample(from:noise:predict:)``.
  ///   - predict: The network.
  /// - Throws: The error thrown by `predict`.
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

  /// Returns x0 as predicted by the network's output for x_t, clamped if ``clips`` is true.
  func predictedImage(_ x: Tensor, _ output: Tensor, _ t: Int) -> Tensor {
    let (scale, outputScale) = prediction.imageWeights(alphaBar: schedule.alphaBar[t])
    var x0 = x
    for i in x0.values.indices {
      let value = scale * x.values[i] + outputScale * output.values[i]
      x0.values[i] = clips ? min(max(value, -1), 1) : value
    }
    return x0
  }

  /// Returns epsilon = (x / sqrt(alphaBar) - x0) / sqrt(1 / alphaBar - 1), which differs from the
  /// network's prediction where x0 was clamped.
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
