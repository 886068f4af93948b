import Tensors

/// Draws samples by steps over timesteps of training, of which there are 1000. Guidance is given in
/// timesteps, 0 to 999.
///
/// Its output is `[C, H, W]` in the meaning of ``prediction``, or `[2C, H, W]`, where the logits of the
/// variance follow. Here, t is the index of a kept timestep, the noisiest last.
/// - SeeAlso: `gaussian_diffusion.py`, facebookresearch/DiT.
package struct TimestepSampler: Sampler {
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

  package var stepCount: Int? { schedule.count }

  /// One per step, and for Heun's method also the next timestep, if there is one.
  package var predictionTimes: [PredictionTime]? {
    schedule.timesteps.indices.reversed().flatMap { t in
      method == .heun && t > 0
        ? [time(t), time(t - 1)] : [time(t)]
    }
  }

  package var drawCount: Int { method.isStochastic ? schedule.count : 0 }

  /// Returns the time of a kept timestep.
  func time(_ t: Int) -> PredictionTime {
    PredictionTime(schedule.inputs[t], process: Double(schedule.timesteps[t]))
  }

  package func advance(
    _ state: inout SamplingState, noise: (Int) -> [Float], predict: Predictor
  ) rethrows {
    precondition(!isFinished(state))
    let t = schedule.count - 1 - state.step
    let x = state.x
    let output = try predict(x, time(t))
    let x0 = predictedImage(x, output, t)
    let stepNoise = method.isStochastic && t > 0 ? noise(state.step) : nil
    state.x =
      switch method {
      case .ddpm: ancestralStep(x, x0, output, t, stepNoise)
      case .ddim(let eta): ddimStep(x, x0, t, eta, stepNoise)
      case .heun: try heunStep(x, x0, t, predict)
      case .dpmSolver2M, .dpmSolver2MSDE:
        multistep(x, x0, t, earlier: state.memory["x0"], stepNoise)
      }
    state.step += 1
    state.memory["x0"] = remembersImage(after: state.step) ? x0 : nil
  }

  package func memory(after step: Int, shape: [Int]) -> [String: [Int]] {
    remembersImage(after: step) ? ["x0": shape] : [:]
  }

  /// Returns whether the state after `step` steps holds the x0 predicted in the previous step.
  private func remembersImage(after step: Int) -> Bool {
    method.isMultistep && step > 0 && step < schedule.count
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
