import Foundation

/// How much noise the stochastic equation of a flow adds at a time: w(t), where the noise of a step
/// of size dt has the variance 2 w dt.
///
/// For every w, x_t has the same distribution. `constant` and `increasing-decreasing` fail in the
/// original.
/// - SeeAlso: Ma et al., arXiv 2401.08740, section 3.4; `ICPlan.compute_diffusion` in
///   `transport/path.py`, willisma/SiT 947f95b.
public enum DiffusionForm: String, CaseIterable, Sendable {
  /// norm sigma.
  case sigma
  /// norm (1 - t). With data at time 0 it is norm t, which is REPA's.
  case linear
  /// norm g, that of the process of Song et al., arXiv 2011.13456.
  case sbdm
  /// (norm cos(pi t) + 1)^2 / 4.
  case decreasing

  /// Returns w.
  ///
  /// - Parameters:
  ///   - t: The time of the path, 0 for noise and 1 for data.
  ///   - path: The path.
  ///   - norm: A factor.
  func callAsFunction(at t: Double, on path: FlowPath, norm: Double) -> Double {
    switch self {
    case .sigma: return norm * path.level(at: t).sigma
    case .linear: return norm * (1 - t)
    case .sbdm: return norm * path.diffusion(at: t)
    case .decreasing:
      let root = norm * cos(.pi * t) + 1
      return root * root / 4
    }
  }
}
