import Foundation

/// The noise schedule over the kept timesteps, with the tables that the samplers use.
///
/// The schedule is linear for a network that was trained on it. For a process in continuous time, timestep
/// k stands for the time t = (k + 1) / 1000, so that the same methods apply.
/// Tables are computed in `Double` and read as `Float`, as in the original.
/// - SeeAlso: Ho et al., arXiv 2006.11239, section 4 (linear betas); Nichol & Dhariwal, arXiv
///   2102.09672, section 3.3 (respacing); `gaussian_diffusion.py` and `respace.py`,
///   facebookresearch/DiT.
package struct Schedule: Sendable {
  /// The timesteps of training at which the network is evaluated, ascending.
  package let timesteps: [Int]
  /// 1 - alphaBar[t] / alphaBar[t - 1] over the kept steps.
  package let betas: [Double]
  /// The product of (1 - beta), alpha bar in the paper.
  package let alphaBar: [Double]
  /// ``alphaBar`` of the previous step, 1 for the first.
  package let alphaBarPrevious: [Double]
  /// The variance of the posterior, beta (1 - alphaBarPrevious) / (1 - alphaBar); Ho et al., Eq.
  /// (7).
  package let posteriorVariance: [Double]

  /// The times at which the network is evaluated, as it takes them.
  package let inputs: [Double]

  /// The number of kept steps.
  package var count: Int { timesteps.count }

  /// Creates the schedule restricted to `respacing`.
  ///
  /// - Parameters:
  ///   - respacing: The timesteps to keep.
  ///   - process: The process that the network was trained for, other than a flow.
  package init(_ respacing: Respacing, of process: DiffusionProcess = .timesteps) {
    let full: [Double]
    timesteps = respacing.timesteps
    switch process {
    case .timesteps, .flow:
      full = Self.linear
      inputs = timesteps.map(Double.init)
    case .continuousVP: (full, inputs) = Self.tables(.continuous, timesteps)
    case .stableDiffusion: (full, inputs) = Self.tables(.stableDiffusion, timesteps)
    }
    var betas: [Double] = []
    var last = 1.0
    for timestep in respacing.timesteps {
      betas.append(1 - full[timestep] / last)
      last = full[timestep]
    }
    // The original multiplies the new betas instead of keeping the old products.
    var alphaBar: [Double] = []
    var product = 1.0
    for beta in betas {
      product *= 1 - beta
      alphaBar.append(product)
    }
    self.betas = betas
    self.alphaBar = alphaBar
    alphaBarPrevious = [1] + alphaBar.dropLast()
    posteriorVariance = betas.indices.map { t in
      betas[t] * (1 - (t == 0 ? 1 : alphaBar[t - 1])) / (1 - alphaBar[t])
    }
  }

  /// alpha bar of all timesteps with betas that grow linearly from 0.0001 to 0.02.
  private static let linear: [Double] = {
    let total = Respacing.trainingSteps
    // numpy.linspace(0.0001, 0.02, 1000)
    let step = (0.02 - 0.0001) / Double(total - 1)
    var product = 1.0
    return (0..<total).map { index in
      product *= 1 - (index == total - 1 ? 0.02 : Double(index) * step + 0.0001)
      return product
    }
  }()

  /// Returns alpha bar of all timesteps of a process in continuous time, and the network's time at some.
  private static func tables(
    _ process: VPProcess, _ timesteps: [Int]
  ) -> (alphaBar: [Double], inputs: [Double]) {
    func time(_ timestep: Int) -> Double {
      Double(timestep + 1) / Double(Respacing.trainingSteps)
    }
    return (
      (0..<Respacing.trainingSteps).map { exp(2 * process.logAlpha(time($0))) },
      timesteps.map { process.inputScale * time($0) }
    )
  }

  /// Returns alpha and sigma in x_t = alpha x0 + sigma epsilon, and lambda = log(alpha / sigma).
  func level(_ t: Int) -> (alpha: Double, sigma: Double, lambda: Double) {
    let (alpha, sigma) = (alphaBar[t].squareRoot(), (1 - alphaBar[t]).squareRoot())
    return (alpha, sigma, log(alpha / sigma))
  }

  /// Returns the logarithm of ``posteriorVariance``, whose first value is zero and replaced by the
  /// second.
  func posteriorLogVariance(_ t: Int) -> Double { log(posteriorVariance[max(t, 1)]) }

  /// Returns the log-variance of a model that does not learn it: beta, except for the posterior
  /// variance at the first step.
  func fixedLargeLogVariance(_ t: Int) -> Double {
    t == 0 ? log(posteriorVariance[1]) : log(betas[t])
  }
}
