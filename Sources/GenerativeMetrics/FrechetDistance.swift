import Tensors

/// The Fréchet distance of two Gaussians and details of its computation. Dimensionless; lower is
/// better.
public struct FrechetDistance: Equatable, Sendable {
  /// The factorisation of one of the covariances as `FᵀF`.
  public struct Factorization: Equatable, Sendable {
    /// The kinds of factors `F`.
    public enum Method: String, Sendable {
      /// The Cholesky factor, if the covariance has full rank in float64.
      case cholesky
      /// The scaled eigenvectors, if the covariance is singular in float64.
      case eigen
      /// The scaled, centred feature rows, which are no more than there are dimensions.
      case lowRank
    }
    /// The kind of `F`.
    public let method: Method
    /// The number of rows of `F`: the rank of the covariance in float64 or, for `lowRank`, N - 1,
    /// which is its largest possible value.
    public let rank: Int
    /// The sum of |λ| over the negative eigenvalues that were considered rounding errors and set to
    /// 0.
    public let clampedMass: Double
  }

  /// ``meanTerm`` + ``traceTerm``.
  public let value: Double
  /// |μ₁ - μ₂|².
  public let meanTerm: Double
  /// tr S₁ + tr S₂ - 2 tr (S₁S₂)^½, never negative.
  public let traceTerm: Double
  /// The value of ``traceTerm`` before it was set to 0, if rounding made it negative; otherwise 0.
  public let negativeRounding: Double
  /// The number of features D.
  public let dimension: Int
  /// The factorisations of the first and the second covariance.
  public let factorizations: [Factorization]

  /// Whether a covariance has fewer than D independent directions, in which case ``value`` depends
  /// more than usual on the sample size.
  public var isRankDeficient: Bool { factorizations.contains { $0.rank < dimension } }
}

// MARK: - Numbers of samples

extension FrechetDistance {
  /// The fewest samples for each independent direction of the features for which a bias is subtracted. With
  /// fewer, the jackknife overestimates the bias, and tests of debiased distances do not keep their level.
  package static let fewestForDebiasing = 2.5
  /// The number of samples for each direction below which heavy tails of the features leave an error in
  /// debiased distances that exceeds the distances of good models.
  package static let enoughForDebiasing = 5.0

  /// Returns why the distance is not debiased; nil if there are enough samples.
  ///
  /// - Parameter count: The number of samples N of the first set.
  package func reasonNotToDebias(count: Int) -> String? {
    let first = factorizations[0]
    return Self.reasonNotToDebias(
      count: count, rank: first.method == .lowRank ? dimension : first.rank)
  }

  /// Returns why a distance is not debiased; nil if there are enough samples.
  ///
  /// - Parameters:
  ///   - count: The number of samples N.
  ///   - rank: The number of independent directions of the samples' covariance.
  package static func reasonNotToDebias(count: Int, rank: Int) -> String? {
    let needed = Int((fewestForDebiasing * Double(rank)).rounded(.up))
    return count >= needed
      ? nil
      : "\(count) samples of \(rank) independent features; a debiased distance needs at least \(needed)"
  }
}

/// Returns the squared Fréchet distance of two Gaussians, which is the FID if they describe
/// Inception features.
///
/// ```
/// |μ₁ - μ₂|² + tr S₁ + tr S₂ - 2 tr (S₁S₂)^½
/// tr (S₁S₂)^½ = the sum of the singular values of F₁F₂ᵀ      for any F with S = FᵀF
/// ```
/// `F` is the Cholesky factor of `S` or, if `S` is singular, its scaled eigenvectors. The product
/// `S₁S₂` is never formed, because the square root of one of its eigenvalues can have an error of
/// 2⁻²⁶ of the largest. A singular value has an error of about 2⁻⁵³ of the largest. If squaring the
/// singular values first is estimated to lose less than 1e-9 (tr S₁ + tr S₂), they are squared,
/// which is faster.
///
/// The rounding error relative to tr S₁ + tr S₂ has the following bounds to first order, for sums
/// in any order, with `γ = (D + 3) 2⁻⁵³`, `X = F₁F₂ᵀ = U Σ Vᵀ` and `W = U Vᵀ`:
///
/// - Factor: `FᵀF = S + ΔS` with `|ΔS| <= γ |F|ᵀ|F|`, which changes the distance by at most
///   `γ Σ |M| ∘ |F|ᵀ|F|`, where `M = F₂ᵀ Wᵀ F₁⁻ᵀ` is the map that transforms one Gaussian into the
///   other. This is at most `½ γ √(D κ) (tr S₁ + tr S₂)`, where κ is the ratio of the largest
///   eigenvalue of one covariance to the smallest eigenvalue of the other. Equal covariances have
///   `M = I` and the error `γ tr S`.
/// - Product: `2 γ Σ |W| ∘ |F₁||F₂|ᵀ`.
/// - Singular values: `2 D ‖E‖` for LAPACK's backward error `‖E‖ <= p(D) 2⁻⁵² σ₁`, where p is a
///   modest function.
///
/// In the test cases with full rank and condition numbers up to 1e8, the bounds add up to at most
/// 3.5e-13. A factor of eigenvectors has a larger bound, `2 p(D) 2⁻⁵² ‖S₁‖ ‖M‖_*`, up to 2e-11 in
/// the test cases. Squared singular values add what the estimate allows, 1e-9. The measured errors
/// are below 1e-12 in all test cases. They are larger for covariances whose scales differ by more: 8.9e-12
/// was measured for features from 1e-6 to 1e6 in one covariance. The distance of a set from itself is within 1e-9 of 0. The result
/// has the same bits for any number of user threads, but its last bits differ between processors.
///
/// - Parameters:
///   - a: One Gaussian: a mean `[D]` and a covariance `[D, D]`.
///   - b: The other Gaussian, with the same D.
/// - Throws: ``MetricError`` `DimensionMismatch` if the Gaussians differ in D;
///   `NotPositiveSemidefinite`, with the smallest eigenvalue, if that is below -1e-10 of the
///   largest and below what rounding the input to ``GaussianStatistics/relativePrecision``
///   explains; `Overflow` if the result is not finite; `LAPACKFailure` if a LAPACK routine fails;
///   `NegativeDistance` if the trace term is below -1e-9 (tr S₁ + tr S₂), which indicates that the
///   linear algebra failed.
/// - SeeAlso: Dowson & Landau, "The Fréchet Distance between Multivariate Normal Distributions", J.
///   Multivariate Analysis 12 (1982). Heusel et al., "GANs Trained by a Two Time-Scale Update Rule
///   Converge to a Local Nash Equilibrium", arXiv 1706.08500, Eq. (6). Higham, "Accuracy and
///   Stability of Numerical Algorithms", 2nd ed., Theorem 10.3 and (3.13). Anderson et al., "LAPACK
///   Users' Guide", 4.7 and 4.9.
public func frechetDistance(
  between a: GaussianStatistics, and b: GaussianStatistics
) throws(MetricError) -> FrechetDistance {
  guard a.dimension == b.dimension else { throw .dimensionMismatch(a.dimension, b.dimension) }
  return try frechetDistance(between: FactoredGaussian(a), and: FactoredGaussian(b))
}

/// Returns the squared Fréchet distance of a set of features from a Gaussian.
///
/// This is ``frechetDistance(between:and:)`` for the statistics of the features. With N <= D
/// samples, the centred rows replace a factor, so neither the `[D, D]` covariance nor its
/// decomposition is needed.
///
/// - Parameters:
///   - rows: The features of the N samples, `[N, D]`.
///   - reference: The statistics of the other set, with the same D.
///   - mean: The precision in which the mean of the rows is summed.
/// - Throws: ``MetricError`` as ``frechetDistance(between:and:)`` does; `ShapeMismatch` if `rows`
///   are not whole rows, `NonFinite` with the index of the sample for a NaN or an infinity,
///   `TooFewSamples` if N < 2.
public func frechetDistance(
  betweenRows rows: [Float], and reference: GaussianStatistics, mean: MeanPrecision = .float64
) throws(MetricError) -> FrechetDistance {
  try frechetDistance(
    between: FactoredGaussian(rows: rows, dimension: reference.dimension, mean: mean),
    and: FactoredGaussian(reference))
}

/// Returns the squared Fréchet distance of two Gaussians whose covariances are factored.
///
/// - Parameters:
///   - a: One Gaussian: a mean `[D]` and a factor `[R, D]` of its covariance, of any R.
///   - b: The other Gaussian, with the same D.
///   - tolerance: The loss allowed for squaring the singular values, as a fraction of the sum of
///     both traces. With 0, they are not squared.
/// - Throws: ``MetricError`` `DimensionMismatch` if the Gaussians differ in D, `LAPACKFailure` if a
///   LAPACK routine fails, `Overflow` if the result is not finite, `NegativeDistance` if the trace
///   term is below -1e-9 (tr S₁ + tr S₂).
package func frechetDistance(
  between a: FactoredGaussian, and b: FactoredGaussian, squaringWithin tolerance: Double = 1e-9
) throws(MetricError) -> FrechetDistance {
  guard a.mean.count == b.mean.count else {
    throw .dimensionMismatch(a.mean.count, b.mean.count)
  }
  let meanTerm = zip(a.mean, b.mean).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
  let trace = a.trace + b.trace
  let rank = min(a.factorization.rank, b.factorization.rank)
  let root = try lapack(nuclearNorm(a.times(b), rank: rank, within: tolerance * trace))
  let traceTerm = trace - 2 * root
  guard (meanTerm + traceTerm).isFinite else {
    throw MetricError(.overflow, "mean term \(meanTerm), traces \(a.trace) and \(b.trace)")
  }
  guard traceTerm >= -1e-9 * trace else {
    throw MetricError(.negativeDistance, "trace term \(traceTerm) of traces \(trace)")
  }
  return FrechetDistance(
    value: meanTerm + max(traceTerm, 0), meanTerm: meanTerm, traceTerm: max(traceTerm, 0),
    negativeRounding: min(traceTerm, 0), dimension: a.mean.count,
    factorizations: [a.factorization, b.factorization])
}

/// Returns the sum of the singular values of a matrix of a known rank.
///
/// The singular values of a well-conditioned matrix are computed as the square roots of the
/// eigenvalues λ of `X Xᵀ`, in a quarter of the time. An eigenvalue is assumed to have an error of
/// δ = 2⁻⁵¹ of the largest (2⁻⁵³ according to LAPACK Users' Guide, 4.7), and its square root an
/// error of at most √δ or, unless λ is small, δ / 2√λ. If these estimates add up to more than
/// `tolerance`, the singular values are computed directly. (In practice, the errors cancel: for
/// condition numbers of the covariances from 1e2 to 1e12, the error of the sum was at most 1.1e-12
/// of the traces, where the estimates went up to 6e-6 of them.)
private func nuclearNorm(
  _ x: Matrix, rank: Int, within tolerance: Double
) throws(LAPACKError) -> Double {
  let sumOfSquares = x.values.reduce(0) { $0 + $1 * $1 }
  guard (0x1p-64 * sumOfSquares).isNormal else { return try sumOfSingularValues(x) }
  let squares = try squaredSingularValues(x).suffix(rank)
  let delta = 0x1p-51 * (squares.last ?? 0)
  let loss = squares.reduce(0) {
    $0 + ($1 > delta ? delta / (2 * $1.squareRoot()) : delta.squareRoot())
  }
  return loss <= tolerance
    ? squares.reduce(0) { $0 + max($1, 0).squareRoot() } : try sumOfSingularValues(x)
}

private func sumOfSingularValues(_ x: Matrix) throws(LAPACKError) -> Double {
  try singularValues(x).reversed().reduce(0, +)
}
