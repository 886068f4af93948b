import Files
import Foundation
import Tensors

/// DPM-Solver and DPM-Solver++ in their singlestep form of order 3, "fast": deterministic, with a given
/// number of predictions in all.
///
/// Of N predictions, every step takes 3, except that the last ones take 2 and 1, only 1, or only 2 where
/// N leaves 0, 1 or 2 when divided by 3. A step with as many predictions is of that order.
///
/// With h = lambda_t - lambda_s, E(a) = expm1(a h) and r_i = (lambda_i - lambda_s) / h, a step from s to t
/// is, for predicted noise D = epsilon,
///
/// order 1: x <- c(t) x - sigma_t E(1) D_s, where c(i) = alpha_i / alpha_s;
/// order 2: ... - sigma_t E(1) / (2 r_1) (D_1 - D_s), D_1 at x_1 = c(1) x - sigma_1 E(r_1) D_s;
/// order 3: x <- c(t) x - sigma_t E(1) D_s - sigma_t (E(1) / h - 1) / r_2 (D_2 - D_s), D_2 at
/// x_2 = c(2) x - sigma_2 E(r_2) D_s - r_2 / r_1 sigma_2 (E(r_2) / (r_2 h) - 1) (D_1 - D_s).
///
/// For predicted data, D = (x - sigma epsilon) / alpha, alpha and sigma change places, and h its sign.
/// There is no thresholding, and no denoising after the last step.
///
/// - On the continuous process, D is the noise. The steps are equal in lambda, from t = 1 to 1e-4, and
///   the predictions divide a step into equal parts. The original computes the grid in float32, which
///   is off by 0.1 in 999 t near the end.
/// - On Stable Diffusion's, D is the data. The predictions are evenly spaced in t from 1 to 1e-3.
/// - SeeAlso: Lu et al., arXiv 2206.00927, Algorithms 1 to 3 and appendix D.3; arXiv 2211.01095;
///   `dpm_solver_pytorch.py` and `dpm_solver_pp.py`, baofff/U-ViT ce55170.
package struct DPMSolverFast: Sampler {
  /// One step.
  struct Step: Equatable, Sendable {
    /// The times of its predictions, of which there are as many as its order.
    let times: [Double]
    /// lambda at ``times``.
    let lambdas: [Double]
    /// lambda at the end.
    let end: Double
  }

  /// The process, which decides between the two methods.
  package let process: VPProcess
  /// The steps, the noisiest first.
  let steps: [Step]

  /// Creates a sampler.
  ///
  /// - Parameters:
  ///   - process: The process that the network was trained on.
  ///   - predictions: The number of predictions, N, from 1.
  /// - Throws: ``Failure`` `SettingOutOfRange` (64).
  package init(_ process: VPProcess, predictions: Int) throws(Failure) {
    try TimeGrid.check(predictions, "predictions", minimum: 1)
    self.process = process
    let orders = Self.orders(predictions)
    switch process {
    case .continuous:
      let grid = TimeGrid.linspace(
        process.lambda(1), process.lambda(1e-4), orders.count + 1)
      steps = orders.enumerated().map { index, order in
        let (start, end) = (grid[index], grid[index + 1])
        let lambdas = (0..<order).map { start + Double($0) / Double(order) * (end - start) }
        return Step(
          times: lambdas.map { process.time(lambda: $0) }, lambdas: lambdas, end: end)
      }
    case .stableDiffusion:
      let times = TimeGrid.linspace(1, 1e-3, predictions + 1)
      let lambdas = times.map { process.lambda($0) }
      var start = 0
      steps = orders.map { order in
        defer { start += order }
        return Step(
          times: Array(times[start..<start + order]),
          lambdas: Array(lambdas[start..<start + order]), end: lambdas[start + order])
      }
    }
  }

  /// Returns the orders of the steps.
  package static func orders(_ predictions: Int) -> [Int] {
    let threes = [Int](repeating: 3, count: predictions / 3)
    return switch predictions % 3 {
    case 0: threes.dropLast() + [2, 1]
    case let rest: threes + [rest]
    }
  }

  package var stepCount: Int? { steps.count }

  package var predictionTimes: [PredictionTime]? {
    steps.flatMap { $0.times.map { process.predictionTime($0) } }
  }

  package var drawCount: Int { 0 }

  /// Whether D is the data.
  private var predictsData: Bool { process == .stableDiffusion }

  package func advance(
    _ state: inout SamplingState, noise: (Int) -> [Float], predict: Predictor
  ) rethrows {
    precondition(!isFinished(state))
    let (x, step) = (state.x, steps[state.step])
    let (lambdas, order) = (step.lambdas, step.times.count)
    let length = step.end - lambdas[0]
    let h = predictsData ? -length : length
    func r(_ stage: Int) -> Double { (lambdas[stage] - lambdas[0]) / length }
    func prediction(_ stage: Int, at x: Tensor) throws -> Tensor {
      let epsilon = try predict(x, process.predictionTime(step.times[stage]))
      guard predictsData else { return epsilon }
      let (alpha, sigma) = VPProcess.level(lambda: lambdas[stage])
      return combination((1 / alpha, x), (-sigma / alpha, epsilon))
    }

    // The weights at the end of the step, and at its stages.
    let (keep, gain) = weights(step.end, from: lambdas[0])
    let first = try prediction(0, at: x)
    let whole = gain * expm1(h)
    if order == 1 {
      state.x = combination((keep, x), (-whole, first))
    } else {
      let (keep1, gain1) = weights(lambdas[1], from: lambdas[0])
      let second = try prediction(
        1, at: combination((keep1, x), (-gain1 * expm1(r(1) * h), first)))
      if order == 2 {
        let change = whole / (2 * r(1))
        state.x = combination((keep, x), (-whole + change, first), (-change, second))
      } else {
        let (keep2, gain2) = weights(lambdas[2], from: lambdas[0])
        let part = expm1(r(2) * h)
        let change2 = r(2) / r(1) * gain2 * (part / (r(2) * h) - 1)
        let third = try prediction(
          2,
          at: combination(
            (keep2, x), (-gain2 * part + change2, first), (-change2, second)))
        let change = gain * (expm1(h) / h - 1) / r(2)
        state.x = combination((keep, x), (-whole + change, first), (-change, third))
      }
    }
    state.step += 1
  }

  /// Returns what x is multiplied by from one lambda to another, and what stands before E.
  private func weights(_ lambda: Double, from start: Double) -> (keep: Double, gain: Double) {
    let (now, then) = (VPProcess.level(lambda: lambda), VPProcess.level(lambda: start))
    return predictsData
      ? (now.sigma / then.sigma, now.alpha) : (now.alpha / then.alpha, now.sigma)
  }
}
