import Files
import Tensors

/// Solves the reverse equation of the continuous process, stochastic or not, with Euler's method.
///
/// The times are 0 and `steps` values from 0.001 to 1. A step from t to s < t is
///
/// x <- x + (s - t) (-beta x / 2 + k beta epsilon / sigma) [+ sqrt(beta (t - s)) noise if s > 0],
///
/// with beta and sigma at t, where k is 1 for the stochastic equation. For the probability flow, k is
/// 1/2 and no noise is added, although the original draws it.
/// - SeeAlso: Song et al., arXiv 2011.13456, Eq. (6), (13) and (33); `euler_maruyama` in `sde.py`,
///   baofff/U-ViT ce55170.
package struct VPSampler: Sampler {
  /// The equation.
  package enum Equation: String, CaseIterable, Sendable {
    /// The stochastic equation, solved by Euler and Maruyama's method.
    case sde
    /// The probability flow.
    case ode
  }

  /// The equation that is solved.
  package let equation: Equation
  /// The ends of the steps, from noise to data.
  package let times: [Double]

  /// Creates a sampler.
  ///
  /// - Parameters:
  ///   - equation: The equation that is solved.
  ///   - steps: The number of steps, from 2. A single one would start at 0.001 instead of 1.
  /// - Throws: ``Failure`` `SettingOutOfRange` (64).
  package init(_ equation: Equation, steps: Int) throws(Failure) {
    try TimeGrid.check(steps, "steps", minimum: 2)
    self.equation = equation
    times = TimeGrid.linspace(1, 1e-3, steps) + [0]
  }

  package var stepCount: Int? { times.count - 1 }

  package var predictionTimes: [PredictionTime]? {
    times.dropLast().map { VPProcess.continuous.predictionTime($0) }
  }

  package var drawCount: Int { equation == .sde ? times.count - 2 : 0 }

  package func advance(
    _ state: inout SamplingState, noise: (Int) -> [Float], predict: Predictor
  ) rethrows {
    precondition(!isFinished(state))
    let process = VPProcess.continuous
    let (x, step) = (state.x, state.step)
    let (t, s) = (times[step], times[step + 1])
    let beta = VPProcess.beta(t)
    let weight = (equation == .sde ? 1 : 0.5) * beta / process.sigma(t)
    let epsilon = try predict(x, process.predictionTime(t))
    var next = combination((1 - (s - t) * beta / 2, x), ((s - t) * weight, epsilon))
    if step < drawCount {
      let drawn = Tensor(shape: x.shape, values: noise(step))
      next = combination((1, next), ((beta * (t - s)).squareRoot(), drawn))
    }
    state.x = next
    state.step += 1
  }
}
