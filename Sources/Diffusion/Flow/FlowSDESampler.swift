import Files
import Tensors

/// Solves the reverse stochastic equation of a network in steps of equal size, with a last step that
/// adds no noise.
///
/// With the velocity v, the score s, the diffusion w of ``DiffusionForm``, and d = v + w s (or v - w s
/// if the data are at time 0), a step of size h from t is
///
/// x <- x + h d(x, t) + sqrt(2 w |h|) noise for Euler-Maruyama, and
/// x <- y + h (d(y, t) + d(y', t + h)) / 2 with y = x + sqrt(2 w |h|) noise, y' = y + h d(y, t) for
/// Heun.
///
/// The original asks the network twice for every d, with the same input; here it is asked once. REPA's
/// sampler is `FlowSDESampler(.repa, points: 250, form: .linear)`.
/// - SeeAlso: Ma et al., arXiv 2401.08740, Eq. (10) and appendix; `Sampler.sample_sde` in
///   `transport/transport.py` and `transport/integrators.py`, willisma/SiT 947f95b;
///   `euler_maruyama_sampler` in `samplers.py`, sihyun-yu/REPA 67f7145, which keeps x in float64.
package struct FlowSDESampler: Sampler {
  /// What the network was trained on.
  package let flow: Flow
  /// The method of a step that adds noise.
  package let method: FlowMethod
  /// How much noise is added.
  package let form: DiffusionForm
  /// The factor of ``form``.
  package let norm: Double
  /// What the last step does.
  package let lastStep: LastStep
  /// The size of the last step, without which it has no meaning.
  package let lastStepSize: Double
  /// The ends of the steps that add noise, from noise to data.
  package let times: [Double]

  /// Creates a sampler.
  ///
  /// - Parameters:
  ///   - flow: What the network was trained on.
  ///   - method: The method of a step that adds noise.
  ///   - points: The number of ends of such steps, from 2, which is SiT's and REPA's number of steps.
  ///   - form: How much noise is added.
  ///   - norm: The factor of `form`, above 0.
  ///   - lastStep: What the last step does.
  ///   - lastStepSize: The size of the last step, between 0 and 1; ignored without one.
  /// - Throws: ``Failure`` (64) `SettingOutOfRange`, or `SamplerSettings` if the equation has a
  ///   division by zero at a time at which it is evaluated.
  package init(
    _ flow: Flow, method: FlowMethod = .euler, points: Int, form: DiffusionForm = .sigma,
    norm: Double = 1, lastStep: LastStep = .mean, lastStepSize: Double = 0.04
  ) throws(Failure) {
    try TimeGrid.check(points, "points", minimum: 2)
    guard norm > 0, norm.isFinite else { throw .outOfRange("norm", norm, "a number above 0") }
    let isFinite = flow.path == .vp || flow.prediction != .velocity
    if form == .sbdm, !isFinite {
      throw Failure(
        .usage, .samplerSettings, "\(form.rawValue)",
        "the diffusion of a velocity on the path \(flow.path.rawValue) is 1/0 at the beginning; "
          + "expected sigma, linear or decreasing")
    }
    if method == .heun, lastStep == .none, !isFinite {
      throw Failure(
        .usage, .samplerSettings, "heun without a last step",
        "the score of a velocity on the path \(flow.path.rawValue) is 1/0 at the end; expected a "
          + "last step, or euler")
    }
    // The path's own time. On a vp path with no last step, and for noise or score, a margin remains.
    let start = flow.path == .vp || flow.prediction == .velocity ? 0 : Flow.margin
    if lastStep != .none, !(lastStepSize > 0 && lastStepSize < 1 - start) {
      throw .outOfRange("lastStepSize", lastStepSize, "above 0 and below \(1 - start)")
    }
    let distance = lastStep != .none ? lastStepSize : isFinite ? Flow.margin : 0
    times =
      switch flow.direction {
      case .dataAtOne: TimeGrid.linspace(start, 1 - distance, points)
      case .dataAtZero: TimeGrid.linspace(1, distance, points)
      }
    (self.flow, self.method, self.form, self.norm) = (flow, method, form, norm)
    (self.lastStep, self.lastStepSize) = (lastStep, lastStepSize)
  }

  package var stepCount: Int? { times.count - (lastStep == .none ? 1 : 0) }

  package var predictionTimes: [PredictionTime]? {
    var result = (0..<times.count - 1).flatMap { step in
      (method == .heun ? [times[step], times[step + 1]] : [times[step]]).map { PredictionTime($0) }
    }
    if lastStep != .none { result.append(PredictionTime(times[times.count - 1])) }
    return result
  }

  /// One for each step but the last, drawn before the step.
  package var drawCount: Int { times.count - 1 }

  /// Returns w at a time.
  private func diffusion(at t: Double) -> Double {
    form(at: flow.pathTime(t), on: flow.path, norm: norm)
  }

  /// Returns d = v + w s, or v - w s if time runs towards the noise.
  private func drift(at t: Double) -> Flow.Weights {
    let (v, s) = (flow.velocity(at: t), flow.score(at: t))
    let w = flow.direction == .dataAtOne ? diffusion(at: t) : -diffusion(at: t)
    return Flow.Weights(x: v.x + w * s.x, output: v.output + w * s.output)
  }

  package func advance(
    _ state: inout SamplingState, noise: (Int) -> [Float], predict: Predictor
  ) rethrows {
    precondition(!isFinished(state))
    let (x, step) = (state.x, state.step)
    let t = times[step]
    if step == times.count - 1 {
      state.x = finished(x, t, try predict(x, PredictionTime(t)))
    } else {
      let h = times[step + 1] - t
      let drawn = Tensor(shape: x.shape, values: noise(step))
      let deviation = (2 * diffusion(at: t) * abs(h)).squareRoot()
      state.x =
        switch method {
        case .euler: try eulerStep(x, t, h, drawn, deviation, predict)
        case .heun: try heunStep(x, t, h, drawn, deviation, predict)
        }
    }
    state.step += 1
  }

  private func eulerStep(
    _ x: Tensor, _ t: Double, _ h: Double, _ noise: Tensor, _ deviation: Double,
    _ predict: Predictor
  ) rethrows -> Tensor {
    let d = drift(at: t)
    let output = try predict(x, PredictionTime(t))
    return combination((1 + h * d.x, x), (h * d.output, output), (deviation, noise))
  }

  private func heunStep(
    _ x: Tensor, _ t: Double, _ h: Double, _ noise: Tensor, _ deviation: Double,
    _ predict: Predictor
  ) rethrows -> Tensor {
    let y = combination((1, x), (deviation, noise))
    let (first, second) = (drift(at: t), drift(at: t + h))
    let output = try predict(y, PredictionTime(t))
    let reached = combination((1 + h * first.x, y), (h * first.output, output))
    let next = try predict(reached, PredictionTime(t + h))
    return combination(
      (1 + h / 2 * first.x, y), (h / 2 * first.output, output), (h / 2 * second.x, reached),
      (h / 2 * second.output, next))
  }

  /// Returns x after the last step.
  private func finished(_ x: Tensor, _ t: Double, _ output: Tensor) -> Tensor {
    let h = flow.direction == .dataAtOne ? lastStepSize : -lastStepSize
    switch lastStep {
    case .mean:
      let d = drift(at: t)
      return combination((1 + h * d.x, x), (h * d.output, output))
    case .euler:
      let v = flow.velocity(at: t)
      return combination((1 + h * v.x, x), (h * v.output, output))
    case .tweedie:
      let (level, s) = (flow.level(at: t), flow.score(at: t))
      let gain = level.sigma * level.sigma / level.alpha
      return combination((1 / level.alpha + gain * s.x, x), (gain * s.output, output))
    case .none: return x
    }
  }
}
