/// The meaning of the first C channels of the network's output for x_t = alpha x0 + sigma epsilon,
/// where alpha = sqrt(alphaBar) and sigma = sqrt(1 - alphaBar). Samplers use x0 and quantities
/// derived from it. The variance channels have the same meaning in all cases.
package enum Prediction: String, CaseIterable, Sendable {
  /// The noise epsilon.
  case epsilon
  /// The image x0.
  case x0
  /// The velocity v = alpha epsilon - sigma x0.
  case v

  /// Returns the weights a and b in x0 = a x_t + b output.
  ///
  /// - SeeAlso: Salimans & Ho, arXiv 2202.00512, appendix D.
  func imageWeights(alphaBar: Double) -> (x: Float, output: Float) {
    switch self {
    case .epsilon:
      (Float((1 / alphaBar).squareRoot()), -Float((1 / alphaBar - 1).squareRoot()))
    case .x0: (0, 1)
    case .v: (Float(alphaBar.squareRoot()), -Float((1 - alphaBar).squareRoot()))
    }
  }
}
