/// What the first C channels of the network's output are, of x_t = alpha x0 + sigma epsilon with
/// alpha = sqrt(alphaBar) and sigma = sqrt(1 - alphaBar). Samplers use x0 and what follows from it;
/// the variance channels mean the same with each.
package enum Prediction: String, CaseIterable, Sendable {
  /// The noise.
  case epsilon
  /// The image.
  case x0
  /// The velocity v = alpha epsilon - sigma x0.
  case v

  /// The weights of x0 = a x_t + b output.
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
