/// How x_{t-1} is made from x_t.
package enum SamplingMethod: Equatable, Sendable {
  /// Ancestral sampling with the learned or the fixed-large variance.
  case ddpm
  /// DDIM; `eta` 0 is deterministic, 1 has the noise of DDPM.
  case ddim(eta: Double)
  /// Heun's method, deterministic, second order; evaluates the network twice a step.
  case heun
  /// DPM-Solver++(2M), deterministic, second order.
  case dpmSolver2M
  /// DPM-Solver++(2M) of the stochastic equation.
  case dpmSolver2MSDE

  /// Whether a step adds noise.
  package var isStochastic: Bool {
    switch self {
    case .ddpm, .dpmSolver2MSDE: true
    case .ddim(let eta): eta != 0
    case .heun, .dpmSolver2M: false
    }
  }

  /// Whether a step needs the image predicted in the one before.
  var isMultistep: Bool { self == .dpmSolver2M || self == .dpmSolver2MSDE }
}
