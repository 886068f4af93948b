import Foundation

/// A diffusion that preserves the variance, x_t = alpha x0 + sigma epsilon with alpha^2 + sigma^2 = 1,
/// for t from 0 (data) to 1 (noise). The network predicts epsilon.
///
/// lambda = log(alpha / sigma) falls with t and stands for it in the solvers.
/// - SeeAlso: Song et al., arXiv 2011.13456, Eq. (33); Lu et al., arXiv 2206.00927, appendix D.4 for
///   t(lambda); `NoiseScheduleVP` in `dpm_solver_pytorch.py` and `dpm_solver_pp.py`, baofff/U-ViT
///   ce55170.
package enum VPProcess: String, CaseIterable, Sendable {
  /// beta(t) = 0.1 + 19.9 t. The network's time is 999 t.
  case continuous
  /// The 1000 betas of Stable Diffusion, sqrt(beta) even from sqrt(0.00085) to sqrt(0.012), with log
  /// alpha linear in between. The network's time is 1000 t, from 1 to 1000.
  case stableDiffusion

  /// What a time is multiplied by to become the network's.
  package var inputScale: Double {
    switch self {
    case .continuous: 999
    case .stableDiffusion: 1000
    }
  }

  /// Returns a time, with the network's input.
  func predictionTime(_ t: Double) -> PredictionTime { PredictionTime(inputScale * t, process: t) }

  /// Returns beta(t) of the continuous process.
  package static func beta(_ t: Double) -> Double { 0.1 + 19.9 * t }

  /// log alpha after 1 to 1000 steps of Stable Diffusion.
  private static let logAlphas: [Double] = {
    var sum = 0.0
    return TimeGrid.linspace(0.00085.squareRoot(), 0.012.squareRoot(), 1000).map { root in
      sum += log(1 - root * root)
      return sum / 2
    }
  }()

  /// Returns log alpha.
  package func logAlpha(_ t: Double) -> Double {
    switch self {
    case .continuous: return -0.25 * 19.9 * t * t - 0.5 * 0.1 * t
    case .stableDiffusion:
      let knots = Self.logAlphas
      let place = t * Double(knots.count) - 1
      let i = Int(min(max(place, 0), Double(knots.count - 2)))
      return knots[i] + (place - Double(i)) * (knots[i + 1] - knots[i])
    }
  }

  /// Returns sigma.
  package func sigma(_ t: Double) -> Double { (-expm1(2 * logAlpha(t))).squareRoot() }

  /// Returns lambda = log(alpha / sigma).
  package func lambda(_ t: Double) -> Double {
    let logAlpha = logAlpha(t)
    return logAlpha - 0.5 * log(-expm1(2 * logAlpha))
  }

  /// Returns the time of a lambda.
  ///
  /// With -log alpha = log(1 + exp(-2 lambda)) / 2, the continuous process is a quadratic equation in t
  /// and the other is linear between its knots.
  package func time(lambda: Double) -> Double {
    let negative = 0.5 * Self.softplus(-2 * lambda)
    switch self {
    case .continuous:
      let tau = 4 * 19.9 * negative
      return tau / (((0.1 * 0.1 + tau).squareRoot() + 0.1) * 19.9)
    case .stableDiffusion:
      let knots = Self.logAlphas
      var (low, high) = (0, knots.count - 1)
      while high - low > 1 {
        let middle = (low + high) / 2
        if knots[middle] >= -negative { low = middle } else { high = middle }
      }
      let fraction = (-negative - knots[low]) / (knots[high] - knots[low])
      return (Double(low + 1) + fraction) / Double(knots.count)
    }
  }

  /// Returns alpha and sigma of a lambda, which do not depend on the process.
  package static func level(lambda: Double) -> (alpha: Double, sigma: Double) {
    (exp(-0.5 * softplus(-2 * lambda)), exp(-0.5 * softplus(2 * lambda)))
  }

  /// Returns log(1 + exp(x)) without overflow.
  private static func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }
}
