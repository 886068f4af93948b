import Tensors

/// The Fréchet distance of two Gaussians and how it came about. Dimensionless; lower is better.
public struct FrechetDistance: Equatable, Sendable {
  /// How one of the covariances was written as `FᵀF`.
  public struct Factorization: Equatable, Sendable {
    /// Where `F` comes from.
    public enum Method: String, Sendable {
      /// A Cholesky factor: the covariance has full rank in float64.
      case cholesky
      /// Eigenvectors, scaled: the covariance is singular in float64.
      case eigen
      /// The centred feature rows themselves, fewer than there are dimensions.
      case lowRank
    }
    /// Where `F` comes from.
    public let method: Method
    /// The rows of `F`: the rank of the covariance in float64, or N - 1, its largest possible value,
    /// for `lowRank`.
    public let rank: Int
    /// The sum of |λ| over the negative eigenvalues that were taken for rounding and set to 0.
    public let clampedMass: Double
  }

  /// ``meanTerm`` + ``traceTerm``.
  public let value: Double
  /// |μ₁ - μ₂|².
  public let meanTerm: Double
  /// tr S₁ + tr S₂ - 2 tr (S₁S₂)^½, never negative.
  public let traceTerm: Double
  /// What rounding left of ``traceTerm`` where it was negative and set to 0; otherwise 0.
  public let negativeRounding: Double
  /// The number of features D.
  public let dimension: Int
  /// The factorisations of the first and the second covariance.
  public let factorizations: [Factorization]

  /// Whether a covariance has fewer than D independent directions, so that ``value`` depends on the
  /// sample size more than usual.
  public var isRankDeficient: Bool { factorizations.contains { $0.rank < dimension } }
}

/// The squared Fréchet distance of two Gaussians, which is the FID if they describe Inception features.
///
/// ```
/// |μ₁ - μ₂|² + tr S₁ + tr S₂ - 2 tr (S₁S₂)^½
/// tr (S₁S₂)^½ = the sum of the singular values of F₁F₂ᵀ      for any F with S = FᵀF
/// ```
/// `F` is the Cholesky factor of `S` or, if `S` is singular, its scaled eigenvectors. The product `S₁S₂`
/// is never formed: the root of an eigenvalue of it can be off by 2⁻²⁶ of the largest. A singular value
/// is off by about 2⁻⁵³; where squaring them first loses less than 1e-9 (tr S₁ + tr S₂) by its estimate,
/// that is done, because it is faster.
///
/// The rounding error, relative to tr S₁ + tr S₂, has these bounds to the first order, for sums in any
/// order, with `γ = (D + 3) 2⁻⁵³`, `X = F₁F₂ᵀ = U Σ Vᵀ` and `W = U Vᵀ`:
///
/// - Factor: `FᵀF = S + ΔS` with `|ΔS| <= γ |F|ᵀ|F|`, which changes the distance by at most
///   `γ Σ |M| ∘ |F|ᵀ|F|`, where `M = F₂ᵀ Wᵀ F₁⁻ᵀ` is the map that carries one Gaussian to the other.
///   No more than `½ γ √(D κ) (tr S₁ + tr S₂)`, where κ is the ratio of the largest eigenvalue of the
///   one covariance to the smallest of the other; equal covariances have `M = I` and the error `γ tr S`.
/// - Product: `2 γ Σ |W| ∘ |F₁||F₂|ᵀ`.
/// - Singular values: `2 D ‖E‖` for LAPACK's backward error `‖E‖ <= p(D) 2⁻⁵² σ₁`, p a modest function.
///
/// In the tests' cases with full rank and condition numbers up to 1e8 they add up to at most 3.5e-13. A
/// factor of eigenvectors costs more, `2 p(D) 2⁻⁵² ‖S₁‖ ‖M‖_*`, up to 2e-11 in the tests' cases. Squared
/// singular values add what the estimate allows, 1e-9. The errors that were measured are below 1e-12 in
/// all cases. The distance of a set from itself is within 1e-9. The result has the same bits for any
/// number of user threads, and other last bits on other processors.
///
/// - Throws: ``MetricError`` `DimensionMismatch`; `NotPositiveSemidefinite` with the smallest
///   eigenvalue, if that is below -1e-10 of the largest and below what the rounding of the input to
///   ``GaussianStatistics/relativePrecision`` explains; `Overflow`; `LAPACKFailure`, or
///   `NegativeDistance` below -1e-9 (tr S₁ + tr S₂), if the linear algebra failed.
/// - SeeAlso: Dowson & Landau, "The Fréchet Distance between Multivariate Normal Distributions",
///   J. Multivariate Analysis 12 (1982). Heusel et al., "GANs Trained by a Two Time-Scale
///   Update Rule Converge to a Local Nash Equilibrium", arXiv 1706.08500, Eq. (6). Higham, "Accuracy
///   and Stability of Numerical Algorithms", 2nd ed., Theorem 10.3 and (3.13). Anderson et al., "LAPACK
///   Users' Guide", 4.7 and 4.9.
public func frechetDistance(
  between a: GaussianStatistics, and b: GaussianStatistics
) throws(MetricError) -> FrechetDistance {
  guard a.dimension == b.dimension else { throw .dimensionMismatch(a.dimension, b.dimension) }
  return try frechetDistance(between: FactoredGaussian(a), and: FactoredGaussian(b))
}

/// The squared Fréchet distance of a set of features from a Gaussian.
///
/// ``frechetDistance(between:and:)`` of the features' statistics. With N <= D samples the centred rows
/// take the place of a factor, so neither the `[D, D]` covariance nor its decomposition is needed.
///
/// - Parameters:
///   - rows: Features of the N samples, `[N, D]`.
///   - reference: Statistics of the other set, with the same D.
///   - mean: How the mean of the rows is summed.
/// - Throws: As ``frechetDistance(between:and:)``; also ``MetricError`` `ShapeMismatch` if `rows` are
///   not whole rows, `NonFinite` with the index of the sample, `TooFewSamples` if N < 2.
public func frechetDistance(
  betweenRows rows: [Float], and reference: GaussianStatistics, mean: MeanPrecision = .float64
) throws(MetricError) -> FrechetDistance {
  try frechetDistance(
    between: FactoredGaussian(rows: rows, dimension: reference.dimension, mean: mean),
    and: FactoredGaussian(reference))
}

/// The squared Fréchet distance of two Gaussians whose covariances are factored.
///
/// - Parameter tolerance: What squaring the singular values may lose, relative to the traces; with 0 they
///   are not squared.
/// - Throws: As ``frechetDistance(between:and:)-(GaussianStatistics,_)``.
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
    throw MetricError("Overflow", "mean term \(meanTerm), traces \(a.trace) and \(b.trace)")
  }
  guard traceTerm >= -1e-9 * trace else {
    throw MetricError("NegativeDistance", "trace term \(traceTerm) of traces \(trace)")
  }
  return FrechetDistance(
    value: meanTerm + max(traceTerm, 0), meanTerm: meanTerm, traceTerm: max(traceTerm, 0),
    negativeRounding: min(traceTerm, 0), dimension: a.mean.count,
    factorizations: [a.factorization, b.factorization])
}

/// The sum of the singular values of a matrix of a known rank.
///
/// Those of a well-conditioned matrix are the roots of the eigenvalues λ of `X Xᵀ`, in a quarter of the
/// time. An eigenvalue is taken to be off by δ = 2⁻⁵¹ of the largest (LAPACK Users' Guide, 4.7, has 2⁻⁵³),
/// so its root by at most √δ and, unless λ is small, δ / 2√λ. Where these estimates add up to more than
/// `tolerance`, the singular values are computed. (In fact the errors cancel: for condition numbers of
/// the covariances from 1e2 to 1e12 the sum was off by at most 1.1e-12 of the traces, where the
/// estimates went up to 6e-6 of them.)
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

/// A Gaussian with its covariance as `FᵀF`.
package struct FactoredGaussian {
  fileprivate let mean: [Double]
  /// The trace of the covariance.
  package let trace: Double
  /// `F`, `[R, D]`.
  private let factor: Matrix
  fileprivate let factorization: FrechetDistance.Factorization

  /// Factors the covariance of `statistics`.
  ///
  /// - Throws: ``MetricError`` `NotPositiveSemidefinite` or `LAPACKFailure`.
  package init(_ statistics: GaussianStatistics) throws(MetricError) {
    let covariance = Matrix(
      rows: statistics.dimension, columns: statistics.dimension, values: statistics.covariance)
    mean = statistics.mean
    trace = covariance.diagonal.reduce(0, +)
    if let factor = try lapack(choleskyFactor(covariance)),
      isNonsingular(factor, of: covariance)
    {
      self.factor = factor
      factorization = .init(method: .cholesky, rank: factor.rows, clampedMass: 0)
    } else {
      let eigen = try scaledEigenvectors(
        covariance, relativePrecision: statistics.relativePrecision)
      factor = eigen.factor
      factorization = .init(
        method: .eigen, rank: eigen.factor.rows, clampedMass: eigen.clampedMass)
    }
  }

  /// The Gaussian of features. With N <= D samples the centred rows take the place of a factor.
  ///
  /// - Parameter rows: `[N, D]`.
  /// - Throws: ``MetricError`` `ShapeMismatch`, `NonFinite`, `TooFewSamples` if N < 2; also as
  ///   ``init(_:)`` if N > D.
  package init(
    rows: [Float], dimension: Int, mean precision: MeanPrecision
  ) throws(MetricError) {
    try checkRows(rows, dimension: dimension, firstSample: 0)
    let count = rows.count / dimension
    guard count >= 2 else { throw .tooFewSamples(count, atLeast: 2) }
    guard count <= dimension else {
      var accumulator = GaussianAccumulator(dimension: dimension)
      try accumulator.append(rows: rows)
      self = try FactoredGaussian(accumulator.statistics(mean: precision))
      return
    }
    let (mean, centered) = center(rows, dimension: dimension)
    let scale = (1 / Double(centered.rows - 1)).squareRoot()
    switch precision {
    case .float64: self.mean = mean
    case .float32:
      var sum = [Float](repeating: 0, count: dimension)
      sum.add(rows: rows)
      self.mean = sum.map { Double($0 / Float(centered.rows)) }
    }
    factor = Matrix(
      rows: centered.rows, columns: dimension, values: centered.values.map { $0 * scale })
    trace = factor.values.reduce(0) { $0 + $1 * $1 }
    factorization = .init(method: .lowRank, rank: centered.rows - 1, clampedMass: 0)
  }

  /// `F₁F₂ᵀ` or its transpose, which has the same singular values.
  fileprivate func times(_ other: FactoredGaussian) -> Matrix {
    if other.factorization.method == .cholesky {
      return product(factor, transposedUpperTriangular: other.factor)
    }
    if factorization.method == .cholesky {
      return product(other.factor, transposedUpperTriangular: factor)
    }
    return product(factor, transposed: other.factor)
  }
}

/// Whether every pivot of a Cholesky factor exceeds the rounding of the variance it is left from.
private func isNonsingular(_ factor: Matrix, of covariance: Matrix) -> Bool {
  let rounding = Double(factor.rows) * 0x1p-52
  return zip(factor.diagonal, covariance.diagonal).allSatisfy { $0 * $0 > rounding * $1 }
}

/// `√λ vᵀ` for every eigenvalue λ of `s` above its rounding, D 2⁻⁵² of the largest.
private func scaledEigenvectors(
  _ s: Matrix, relativePrecision: Double
) throws(MetricError) -> (factor: Matrix, clampedMass: Double) {
  let (values, vectors) = try lapack(symmetricEigendecomposition(s))
  let rank = try Spectrum(values, relativePrecision: relativePrecision).rank
  let dropped = s.rows - rank
  var factor = Array(vectors.values[(dropped * s.columns)...])
  for row in 0..<rank {
    let scale = values[dropped + row].squareRoot()
    for index in row * s.columns..<(row + 1) * s.columns { factor[index] *= scale }
  }
  return (
    Matrix(rows: rank, columns: s.columns, values: factor),
    values.prefix { $0 < 0 }.reduce(0) { $0 - $1 }
  )
}

func lapack<Result>(
  _ body: @autoclosure () throws(LAPACKError) -> Result
) throws(MetricError) -> Result {
  do { return try body() } catch { throw MetricError("LAPACKFailure", error.description) }
}
