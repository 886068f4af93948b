import Tensors

/// The errors of the two terms of a squared Fréchet distance, `|m - μ₀|²` and the term of the covariances.
///
/// With the influence hᵢ of a sample on the distance, that on the first term is `gᵢ = 2 (m - μ₀)ᵀ yᵢ`, and that on
/// the second is `hᵢ - gᵢ`:
/// ```
/// σ² of the mean's term         = Σ gᵢ² / N²                 = 4 (N - 1) / N² (m - μ₀)ᵀ S (m - μ₀)
/// σ² of the covariances' term   = Σ (hᵢ - gᵢ)² / N²
/// bias of the mean's term       = tr S / N                   exactly
/// ```
/// The reference is taken as fixed.
///
/// - SeeAlso: ``FrechetInfluence`` for the symbols.
public struct FrechetTermErrors: Equatable, Sendable {
  /// The standard error of the term of the means.
  public let meanError: Double
  /// The expected excess of the term of the means over that of infinitely many samples.
  public let meanBias: Double
  /// The standard error of the term of the covariances.
  public let covarianceError: Double
  /// The degrees of freedom of Student's t for both, those of the distance.
  public let degreesOfFreedom: Int

  /// Computes the errors.
  ///
  /// - Parameters:
  ///   - samples: The Gaussian of the N samples.
  ///   - count: N.
  ///   - shift: m - μ₀.
  ///   - distance: The error of the distance.
  ///   - covariance: `Σ hᵢ gᵢ / N²`.
  init(
    of samples: FactoredGaussian, count: Int, shift: [Double], distance: InfluenceSummary,
    covariance: Double
  ) {
    let n = Double(count)
    let along =
      samples.factor.rows == 0
      ? []
      : product(samples.factor, transposed: Matrix(rows: 1, columns: shift.count, values: shift))
        .values
    let spread = along.reduce(0) { $0 + $1 * $1 }
    let variance = 4 * (n - 1) / (n * n) * spread
    meanError = variance.squareRoot()
    meanBias = samples.trace / n
    let rest = distance.standardError * distance.standardError + variance - 2 * covariance
    covarianceError = max(rest, 0).squareRoot()
    degreesOfFreedom = distance.degreesOfFreedom
  }

  /// Returns the interval for the expectation of a term, symmetric for its logarithm.
  ///
  /// - Parameters:
  ///   - value: The term.
  ///   - error: Its standard error.
  public func interval(of value: Double, error: Double) -> ClosedRange<Double> {
    let margin = studentQuantile(
      (1 + Jackknife.confidence) / 2, degreesOfFreedom: degreesOfFreedom)
    let scale = MetricTitle.Scale.logarithmic
    return closedRange(
      scale.end(of: value, error: error, at: -margin),
      scale.end(of: value, error: error, at: margin))
  }
}
