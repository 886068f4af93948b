import Foundation
import Tensors

/// The steps of the original code: DDPM and DDIM.
extension TimestepSampler {
  /// Returns x_{t-1} = mean + exp(logVariance / 2) noise, where
  /// mean = beta sqrt(alphaBarPrevious) / (1 - alphaBar) x0
  ///      + (1 - alphaBarPrevious) sqrt(1 - beta) / (1 - alphaBar) x.
  ///
  /// - SeeAlso: Ho et al., arXiv 2006.11239, Eq. (7); a learned log-variance interpolates between
  ///   the posterior's and log beta, Nichol & Dhariwal, arXiv 2102.09672, Eq. (15).
  func ancestralStep(
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

  /// Returns x_{t-1} = sqrt(alphaBarPrevious) x0 + sqrt(1 - alphaBarPrevious - sigma^2) epsilon
  ///                 + sigma noise.
  ///
  /// Alpha bar is rounded to `Float` before it is used, as in the original.
  /// - SeeAlso: Song et al., arXiv 2010.02502, Eq. (12) and (16).
  func ddimStep(
    _ x: Tensor, _ x0: Tensor, _ t: Int, _ eta: Double, _ noise: [Float]?
  ) -> Tensor {
    let (alphaBar, previous) = (
      Float(schedule.alphaBar[t]), Float(schedule.alphaBarPrevious[t])
    )
    let sigma =
      Float(eta) * ((1 - previous) / (1 - alphaBar)).squareRoot()
      * (1 - alphaBar / previous).squareRoot()
    let imageWeight = previous.squareRoot()
    let epsilonWeight = (1 - previous - sigma * sigma).squareRoot()
    let epsilon = predictedNoise(x, x0, t)
    var next = x
    for i in next.values.indices {
      next.values[i] = x0.values[i] * imageWeight + epsilonWeight * epsilon.values[i]
      if let noise { next.values[i] += sigma * noise[i] }
    }
    return next
  }
}
