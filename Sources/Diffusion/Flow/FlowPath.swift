import Foundation

/// The path on which data x1 become noise epsilon, x_t = alpha x1 + sigma epsilon, for t from 0
/// (noise) to 1 (data).
///
/// | path | alpha | sigma | f = alpha' / alpha |
/// |---|---|---|---|
/// | linear | t | 1 - t | 1 / t |
/// | gvp | sin(pi t / 2) | cos(pi t / 2) | pi / (2 tan(pi t / 2)) |
/// | vp | exp(m) | sqrt(1 - exp(2 m)) | b / 2 |
///
/// with m = -19.9 (1 - t)^2 / 4 - 0.1 (1 - t) / 2 and b = 0.1 + 19.9 (1 - t), so that m' = b / 2.
/// - SeeAlso: Ma et al., arXiv 2401.08740, section 2 and appendix A; `transport/path.py`,
///   willisma/SiT 947f95b.
public enum FlowPath: String, CaseIterable, Sendable {
  /// A straight line from the noise to the data.
  case linear
  /// An arc, on which the variance is preserved and the angle grows evenly.
  case gvp
  /// The path of a diffusion with linear beta from 0.1 to 20, which preserves the variance.
  case vp

  /// The weights of data and noise at a time, and how fast they change.
  package struct Level: Equatable, Sendable {
    /// The weight of the data.
    package let alpha: Double
    /// The weight of the noise.
    package let sigma: Double
    /// The derivative of ``alpha`` by the time.
    package let alphaSlope: Double
    /// The derivative of ``sigma`` by the time.
    package let sigmaSlope: Double
  }

  /// Returns the weights at a time, 0 for noise and 1 for data.
  package func level(at t: Double) -> Level {
    switch self {
    case .linear:
      return Level(alpha: t, sigma: 1 - t, alphaSlope: 1, sigmaSlope: -1)
    case .gvp:
      let (sine, cosine) = (sin(t * .pi / 2), cos(t * .pi / 2))
      return Level(
        alpha: sine, sigma: cosine, alphaSlope: .pi / 2 * cosine, sigmaSlope: -.pi / 2 * sine)
    case .vp:
      let m = -0.25 * (1 - t) * (1 - t) * 19.9 - 0.5 * (1 - t) * 0.1
      let (alpha, sigma) = (exp(m), (-expm1(2 * m)).squareRoot())
      let slope = drift(at: t)
      return Level(
        alpha: alpha, sigma: sigma, alphaSlope: alpha * slope,
        sigmaSlope: -alpha * alpha * slope / sigma)
    }
  }

  /// Returns f = alpha' / alpha. It is infinite at 0 except for ``vp``.
  package func drift(at t: Double) -> Double {
    switch self {
    case .linear: 1 / t
    case .gvp: .pi / (2 * tan(t * .pi / 2))
    case .vp: (0.1 + 19.9 * (1 - t)) / 2
    }
  }

  /// Returns g = f sigma^2 - sigma sigma', which for ``vp`` is f.
  ///
  /// The velocity is f x + g s, where s is the score.
  package func diffusion(at t: Double) -> Double {
    let level = level(at: t)
    return self == .vp
      ? drift(at: t)
      : drift(at: t) * level.sigma * level.sigma - level.sigma * level.sigmaSlope
  }
}
