import Tensors

/// The symmetric square root of a covariance, with a bound on its error.
public struct CovarianceSquareRoot: Equatable, Sendable {
  /// `R` with `R R = S`, symmetric and positive semidefinite, `[D, D]` in row-major order, in the
  /// unit of the features.
  public let values: [Double]
  /// The number of features D.
  public let dimension: Int
  /// How the covariance was factored: by its eigenvectors.
  public let factorization: FrechetDistance.Factorization
  /// A bound on the largest singular value of `R - S^½`, and so on the error of every element.
  public let errorBound: Double
}

extension GaussianStatistics {
  /// Computes the symmetric square root of the covariance.
  ///
  /// ```
  /// R = GᵀG,  G = Λ^¼ V    for S = Vᵀ Λ V with the eigenvectors of S as the rows of V
  /// ```
  /// Negative eigenvalues that rounding explains, and positive ones below D 2⁻⁵² of the largest, are
  /// set to 0; if there are negative ones, the result is the root of the nearest positive
  /// semidefinite matrix.
  ///
  /// The bound follows from the result itself: with `ρ >= ‖R R - S‖`, which is computed, and m, the
  /// smallest eigenvalue less its error D 2⁻⁵² λ₁,
  /// ```
  /// ‖R - S^½‖₂ <= min(√ρ, ρ / √m)
  /// ```
  /// up to the rounding of `GᵀG`, which is added. The second bound is much smaller than the first
  /// unless the covariance is nearly singular. In exact arithmetic, the root of a singular
  /// covariance changes by `√ε` if an element changes by ε, so no method can do much better.
  ///
  /// Takes the time of an eigendecomposition and two products.
  ///
  /// - Throws: ``MetricError`` `NotPositiveSemidefinite` if an eigenvalue is more negative than
  ///   rounding explains, `LAPACKFailure` if `dsyevd` fails.
  /// - SeeAlso: Bhatia, "Matrix Analysis", Springer 1997, section X.1 for √ρ, and section VII.2 for
  ///   `X = R - S^½` as the solution of `R X + X S^½ = R R - S`, which gives ρ / √m.
  public func squareRoot() throws(MetricError) -> CovarianceSquareRoot {
    let s = symmetricCovariance
    let (values, vectors) = try lapack(symmetricEigendecomposition(s))
    let spectrum = try Spectrum(values, relativePrecision: relativePrecision)
    let dropped = dimension - spectrum.rank
    var g = Array(vectors.values[(dropped * dimension)...])
    for row in 0..<spectrum.rank {
      let scale = values[dropped + row].squareRoot().squareRoot()
      for index in row * dimension..<(row + 1) * dimension { g[index] *= scale }
    }
    let clampedMass = values.prefix { $0 < 0 }.reduce(0) { $0 - $1 }
    var root = lowerGram(Matrix(rows: spectrum.rank, columns: dimension, values: g))
    root.mirrorLowerTriangle()

    let residual = residual(of: root) + clampedMass
    let rounding = gamma(dimension) * root.diagonal.reduce(0, +)
    let smallest = values[0] - Double(dimension) * 0x1p-52 * spectrum.largest
    let separation = max(smallest, 0).squareRoot() - rounding
    return CovarianceSquareRoot(
      values: root.values, dimension: dimension,
      factorization: .init(method: .eigen, rank: spectrum.rank, clampedMass: clampedMass),
      errorBound: 2 * rounding
        + min(residual.squareRoot(), separation > 0 ? residual / separation : .infinity))
  }
}

/// The trace of the square root of a product of two covariances, with a bound on its error.
public struct SquareRootTrace: Equatable, Sendable {
  /// tr (S₁S₂)^½, in the square of the features' unit.
  public let value: Double
  /// A bound on the error of ``value``.
  public let errorBound: Double
  /// The factorisations of the first and the second covariance.
  public let factorizations: [FrechetDistance.Factorization]
}

/// Returns tr (S₁S₂)^½ of two covariances: the part of a Fréchet distance that needs linear algebra.
///
/// ```
/// tr (S₁S₂)^½ = the sum of the singular values of F₁F₂ᵀ      for any F with S = FᵀF
/// ```
/// ``frechetDistance(between:and:)`` describes the factors. The singular values are never squared
/// here. The bound is the sum of these parts, with `γ = (D + 3) 2⁻⁵³` and R singular values σ:
///
/// - Product: `γ √R ‖F₁‖ ‖F₂‖`, by the Frobenius norm.
/// - Singular values: `R D 2⁻⁵² σ₁` for the backward error of LAPACK, and `γ` of their sum.
/// - Each factor: with `ρ₁ >= ‖F₁ᵀF₁ - S₁‖`, which is computed, `½ ρ₁ √(λ₁(S₂) tr S₁⁻¹)`, because
///   the trace is a concave function of S₁ whose derivative is half of the geometric mean of S₁⁻¹
///   and S₂, which is at most `√λ₁(S₂) S₁^-½`. For a singular covariance, and if it is smaller,
///   `√(D ρ₁ tr S₂)`.
///
/// A relative error `γ κ(F)` of tr S⁻¹ is left out. For covariances of full rank the bound is useful,
/// and far above the errors that occur; for singular ones it grows with the square root of the
/// rounding error, because it holds for all matrices that round to the same numbers.
///
/// - Parameters:
///   - a: The Gaussian whose covariance `[D, D]` is S₁.
///   - b: The Gaussian whose covariance is S₂, with the same D.
/// - Throws: ``MetricError`` as ``frechetDistance(between:and:)`` does.
/// - SeeAlso: Bhatia, "Matrix Analysis", Springer 1997, section X.1, for singular covariances.
///   Bhatia, "Positive Definite Matrices", Princeton 2007, chapter 4, for the geometric mean.
public func squareRootTrace(
  ofProductOf a: GaussianStatistics, and b: GaussianStatistics
) throws(MetricError) -> SquareRootTrace {
  guard a.dimension == b.dimension else { throw .dimensionMismatch(a.dimension, b.dimension) }
  let dimension = a.dimension
  let (first, second) = (try FactoredGaussian(a), try FactoredGaussian(b))
  let singular = try lapack(singularValues(first.times(second)))
  let value = singular.reversed().reduce(0, +)
  guard value.isFinite else {
    throw MetricError(.overflow, "traces \(first.trace) and \(second.trace)")
  }
  let count = Double(singular.count)
  let norms = frobeniusNorm(first.factor.values) * frobeniusNorm(second.factor.values)
  let bound =
    gamma(dimension) * (count.squareRoot() * norms + value)
    + count * Double(dimension) * 0x1p-52 * (singular.first ?? 0)
    + (try a.factorError(first, against: second.trace))
    + (try b.factorError(second, against: first.trace))
  return SquareRootTrace(
    value: value, errorBound: bound,
    factorizations: [first.factorization, second.factorization])
}

// MARK: - Error bounds

/// Returns the bound on the relative error of a sum of D products, in any order, that also covers a
/// division and a root: Higham, "Accuracy and Stability of Numerical Algorithms", (3.13).
private func gamma(_ dimension: Int) -> Double {
  let error = (Double(dimension) + 3) * 0x1p-53
  return error / (1 - error)
}

/// Returns the root of the sum of squares, without overflow.
private func frobeniusNorm(_ values: [Double]) -> Double {
  let largest = values.reduce(0) { max($0, abs($1)) }
  guard largest > 0, largest.isFinite else { return largest }
  return largest * values.reduce(0) { $0 + ($1 / largest) * ($1 / largest) }.squareRoot()
}

extension GaussianStatistics {
  /// The covariance, with the upper triangle mirrored; the lower one may differ by rounding.
  private var symmetricCovariance: Matrix {
    var s = Matrix(rows: dimension, columns: dimension, values: covariance)
    for row in 0..<dimension {
      for column in 0..<row {
        s.values[row * dimension + column] = s.values[column * dimension + row]
      }
    }
    return s
  }

  /// Returns a bound on the Frobenius norm of `XᵀX - S`, from the computed one.
  private func residual(of x: Matrix) -> Double {
    var gram = lowerGram(x)
    gram.mirrorLowerTriangle()
    let difference = zip(gram.values, symmetricCovariance.values).map { $0 - $1 }
    let own = frobeniusNorm(x.values)
    return (1 + Double(dimension * dimension) * 0x1p-52)
      * (frobeniusNorm(difference) + gamma(max(x.rows, dimension)) * own * own)
  }

  /// Returns a bound on the change of tr (S₁S₂)^½ by the error of a factor of this covariance S₁.
  ///
  /// - Parameters:
  ///   - factored: The factor `F`, `[R, D]`.
  ///   - trace: tr S₂, which is at least λ₁(S₂).
  fileprivate func factorError(
    _ factored: FactoredGaussian, against trace: Double
  ) throws(MetricError) -> Double {
    let error =
      residual(of: factored.factor) + factored.factorization.clampedMass
    let general = (Double(dimension) * error).squareRoot() * trace.squareRoot()
    guard factored.factorization.method == .cholesky else { return general }
    let inverse = try lapack(inverse(ofUpperTriangular: factored.factor))
    let norm = frobeniusNorm(inverse.values)
    let loss = error * norm * norm
    guard loss < 1 else { return general }
    return min(general, 0.5 * error * trace.squareRoot() * norm / (1 - loss).squareRoot())
  }
}
