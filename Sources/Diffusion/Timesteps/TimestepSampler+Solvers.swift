import Foundation
import Tensors

/// The steps that solve the reverse differential equation to second order. They all end with the
/// predicted image: below the last kept timestep, the noise is taken to be zero.
extension TimestepSampler {
  /// Returns x_{t-1} by one step of Heun's method. With y = x / alpha and s = sigma / alpha, the
  /// equation is dy / ds = epsilon, and the step is
  ///
  /// y_{t-1} = y_t + (s_{t-1} - s_t) (epsilon(y_t) + epsilon(y')) / 2 with
  /// y' = y_t + (s_{t-1} - s_t) epsilon(y_t).
  ///
  /// - SeeAlso: Karras et al., arXiv 2206.00364, Algorithm 1, without churn.
  func heunStep(_ x: Tensor, _ x0: Tensor, _ t: Int, _ predict: Predictor) rethrows -> Tensor {
    guard t > 0 else { return x0 }
    let (now, next) = (schedule.level(t), schedule.level(t - 1))
    let keep = Float(next.alpha / now.alpha)
    let gain = Float(next.sigma - next.alpha * now.sigma / now.alpha)
    func move(along epsilon: Tensor) -> Tensor {
      var result = x
      for i in result.values.indices {
        result.values[i] = keep * x.values[i] + gain * epsilon.values[i]
      }
      return result
    }
    let start = predictedNoise(x, x0, t)
    let reached = move(along: start)
    let output = try predict(reached, time(t - 1))
    let end = predictedNoise(reached, predictedImage(reached, output, t - 1), t - 1)
    var mean = start
    for i in mean.values.indices { mean.values[i] = (start.values[i] + end.values[i]) / 2 }
    return move(along: mean)
  }

  /// Returns x_{t-1} by one step of DPM-Solver++(2M) in the log signal-to-noise ratio lambda =
  /// log(alpha / sigma), with k = 1, or of its SDE variant, with k = 2:
  ///
  /// x_{t-1} = (sigma_{t-1} / sigma_t) exp(-(k-1) h) x_t - alpha_{t-1} (exp(-k h) - 1) D
  ///         + sigma_{t-1} sqrt(1 - exp(-2h)) noise, the last term for k = 2 only,
  /// D = (1 + 1 / 2r) x0_t - (1 / 2r) x0_{t+1}, h = lambda_{t-1} - lambda_t, r = h_before / h.
  ///
  /// The first step has no history and is of first order. So is a step to timestep 0: its h is
  /// several times that of the previous step, and extrapolating that far degrades the result.
  ///
  /// - Parameters:
  ///   - earlier: x0_{t+1}, or nil in the first step.
  ///   - noise: The noise of the SDE variant, or nil for the ODE.
  /// - SeeAlso: Lu et al., arXiv 2211.01095, Algorithm 2; for the SDE variant, `sde-dpmsolver++` in
  ///   `DPMSolverMultistepScheduler`, huggingface/diffusers.
  func multistep(
    _ x: Tensor, _ x0: Tensor, _ t: Int, earlier: Tensor?, _ noise: [Float]?
  ) -> Tensor {
    guard t > 0 else { return x0 }
    let (now, next) = (schedule.level(t), schedule.level(t - 1))
    let h = next.lambda - now.lambda
    let k = noise == nil ? 1.0 : 2.0
    let keep = Float(next.sigma / now.sigma * exp(-(k - 1) * h))
    let gain = -next.alpha * expm1(-k * h)
    var extrapolation = 0.0
    if earlier != nil, schedule.timesteps[t - 1] > 0 {
      extrapolation = h / (2 * (now.lambda - schedule.level(t + 1).lambda))
    }
    let current = Float(gain * (1 + extrapolation))
    let before = Float(-gain * extrapolation)
    let history = earlier ?? x0
    var result = x
    for i in result.values.indices {
      result.values[i] =
        keep * x.values[i] + current * x0.values[i] + before * history.values[i]
    }
    if let noise {
      let deviation = Float(next.sigma * (-expm1(-2 * h)).squareRoot())
      for i in result.values.indices { result.values[i] += deviation * noise[i] }
    }
    return result
  }
}
