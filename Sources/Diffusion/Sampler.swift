import Foundation
import Tensors

/// How x_{t-1} is made from x_t.
package enum SamplingMethod: Equatable, Sendable {
  /// Ancestral sampling with the learned or the fixed-large variance.
  case ddpm
  /// DDIM; `eta` 0 is deterministic, 1 has the noise of DDPM.
  case ddim(eta: Double)
  /// DPM-Solver++(2M), deterministic, second order.
  case dpmSolver2M

  /// Whether a step adds noise.
  package var isStochastic: Bool {
    switch self {
    case .ddpm: true
    case .ddim(let eta): eta != 0
    case .dpmSolver2M: false
    }
  }

  /// Whether a step needs the image predicted in the one before.
  var isMultistep: Bool { self == .dpmSolver2M }
}

/// Draws a sample from a noise predictor. Knows nothing of the network: it is a closure.
///
/// Legend: C channels, H, W sides; t counts kept steps down from the noisiest.
/// - SeeAlso: `gaussian_diffusion.py`, facebookresearch/DiT.
package struct Sampler: Sendable {
  /// Predicts from (x_t `[C, H, W]`, original timestep): `[C, H, W]` noise, or `[2C, H, W]` noise
  /// and variance logits.
  package typealias Predictor = (_ x: Tensor, _ timestep: Int) throws -> Tensor

  /// The kept steps.
  package let schedule: Schedule
  /// How a step is made.
  package let method: SamplingMethod
  /// Whether predicted images are clamped to [-1, 1].
  package let clips: Bool

  /// A sampler.
  package init(schedule: Schedule, method: SamplingMethod, clips: Bool = false) {
    self.schedule = schedule
    self.method = method
    self.clips = clips
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
      case .dpmSolver2M: multistep(x, x0, t, earlier: state.earlierImage)
      }
    state.step += 1
    state.earlierImage = remembersImage(after: state.step) ? x0 : nil
  }

  /// x0 = sqrt(1 / alphaBar) x - sqrt(1 / alphaBar - 1) epsilon, clamped if asked for.
  private func predictedImage(_ x: Tensor, _ output: Tensor, _ t: Int) -> Tensor {
    let scale = Float((1 / schedule.alphaBar[t]).squareRoot())
    let noiseScale = Float((1 / schedule.alphaBar[t] - 1).squareRoot())
    var x0 = x
    for i in x0.values.indices {
      let value = scale * x.values[i] - noiseScale * output.values[i]
      x0.values[i] = clips ? min(max(value, -1), 1) : value
    }
    return x0
  }

  /// x_{t-1} = mean + exp(logVariance / 2) noise, with
  /// mean = beta sqrt(alphaBarPrevious) / (1 - alphaBar) x0
  ///      + (1 - alphaBarPrevious) sqrt(1 - beta) / (1 - alphaBar) x.
  ///
  /// - SeeAlso: Ho et al., arXiv 2006.11239, Eq. (7); the log-variance interpolates between the
  ///   posterior's and log beta, Nichol & Dhariwal, arXiv 2102.09672, Eq. (15).
  private func ancestralStep(
    _ x: Tensor, _ x0: Tensor, _ output: Tensor, _ t: Int, _ noise: [Float]?
  ) -> Tensor {
    let s = schedule
    let imageWeight = Float(
      s.betas[t] * s.alphaBarPrevious[t].squareRoot() / (1 - s.alphaBar[t]))
    let currentWeight = Float(
      (1 - s.alphaBarPrevious[t]) * (1 - s.betas[t]).squareRoot() / (1 - s.alphaBar[t]))
    let learned = output.count == 2 * x.count
    let (low, high) = (Float(s.posteriorLogVariance(t)), Float(log(s.betas[t])))
    let fixed = Float(s.fixedLargeLogVariance(t))
    var next = x
    for i in next.values.indices {
      next.values[i] = imageWeight * x0.values[i] + currentWeight * x.values[i]
      if let noise {
        let fraction = learned ? (output.values[x.count + i] + 1) / 2 : 0
        let logVariance = learned ? fraction * high + (1 - fraction) * low : fixed
        next.values[i] += exp(0.5 * logVariance) * noise[i]
      }
    }
    return next
  }

  /// x_{t-1} = sqrt(alphaBarPrevious) x0 + sqrt(1 - alphaBarPrevious - sigma^2) epsilon
  ///         + sigma noise.
  ///
  /// Alpha bar is rounded to `Float` before anything is computed from it, as the original does.
  /// - SeeAlso: Song et al., arXiv 2010.02502, Eq. (12) and (16).
  private func ddimStep(
    _ x: Tensor, _ x0: Tensor, _ t: Int, _ eta: Double, _ noise: [Float]?
  ) -> Tensor {
    let scale = Float((1 / schedule.alphaBar[t]).squareRoot())
    let noiseScale = Float((1 / schedule.alphaBar[t] - 1).squareRoot())
    let (alphaBar, previous) = (
      Float(schedule.alphaBar[t]), Float(schedule.alphaBarPrevious[t])
    )
    let sigma =
      Float(eta) * ((1 - previous) / (1 - alphaBar)).squareRoot()
      * (1 - alphaBar / previous).squareRoot()
    let imageWeight = previous.squareRoot()
    let epsilonWeight = (1 - previous - sigma * sigma).squareRoot()
    var next = x
    for i in next.values.indices {
      let epsilon = (scale * x.values[i] - x0.values[i]) / noiseScale  // x0 may have been clamped
      next.values[i] = x0.values[i] * imageWeight + epsilonWeight * epsilon
      if let noise { next.values[i] += sigma * noise[i] }
    }
    return next
  }

  /// One step of DPM-Solver++(2M) in the log signal-to-noise ratio lambda = log(alpha / sigma):
  ///
  /// x_{t-1} = (sigma_{t-1} / sigma_t) x_t - alpha_{t-1} (exp(-h) - 1) D,
  /// D = (1 + 1 / 2r) x0_t - (1 / 2r) x0_{t+1}, h = lambda_{t-1} - lambda_t, r = h_before / h.
  ///
  /// The first step has no history and is of first order. So is the step onto the last timestep:
  /// its h is several times the one before, and extrapolating that far does harm. The network is
  /// asked once more there, and the step to sigma = 0 gives its x0.
  /// - SeeAlso: Lu et al., arXiv 2211.01095, Algorithm 2.
  private func multistep(_ x: Tensor, _ x0: Tensor, _ t: Int, earlier: Tensor?) -> Tensor {
    guard t > 0 else { return x0 }
    func levels(_ t: Int) -> (alpha: Double, sigma: Double, lambda: Double) {
      let alphaBar = schedule.alphaBar[t]
      let (alpha, sigma) = (alphaBar.squareRoot(), (1 - alphaBar).squareRoot())
      return (alpha, sigma, log(alpha / sigma))
    }
    let (now, next) = (levels(t), levels(t - 1))
    let h = next.lambda - now.lambda
    let keep = Float(next.sigma / now.sigma)
    let gain = -next.alpha * expm1(-h)
    var current = gain
    var before = 0.0
    if earlier != nil, t > 1 {
      let extrapolation = h / (2 * (now.lambda - levels(t + 1).lambda))
      current = gain * (1 + extrapolation)
      before = -gain * extrapolation
    }
    let (currentWeight, beforeWeight) = (Float(current), Float(before))
    let history = earlier ?? x0
    var result = x
    for i in result.values.indices {
      result.values[i] =
        keep * x.values[i] + currentWeight * x0.values[i] + beforeWeight * history.values[i]
    }
    return result
  }
}
