/// The method that computes x_{t-1} from x_t.
package enum SamplingMethod: Equatable, Sendable {
  /// Ancestral sampling with the learned or the fixed-large variance.
  case ddpm
  /// DDIM. It is deterministic for `eta` 0, and has the noise of DDPM for `eta` 1.
  case ddim(eta: Double)
  /// Heun's method: deterministic, of second order, with two evaluations of the network per step.
  case heun
  /// DPM-Solver++(2M): deterministic, of second order.
  case dpmSolver2M
  /// DPM-Solver++(2M) for the stochastic differential equation.
  case dpmSolver2MSDE

  /// Whether a step adds noise.
  package var isStochastic: Bool {
    switch self {
    case .ddpm, .dpmSolver2MSDE: true
    case .ddim(let eta): eta != 0
    case .heun, .dpmSolver2M: false
    }
  }

  /// Whether a step needs the image predicted in the previous step.
  var isMultistep: Bool { self == .dpmSolver2M || self == .dpmSolver2MSDE }
}
