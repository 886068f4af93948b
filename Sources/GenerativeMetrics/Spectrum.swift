import Tensors

/// A summary of the eigenvalues of a covariance.
public struct Spectrum: Equatable, Sendable {
  /// The smallest eigenvalue, which is negative only by rounding.
  public let smallest: Double
  /// The largest eigenvalue.
  public let largest: Double
  /// The rank in float64: the number of eigenvalues above D 2⁻⁵² of the largest.
  public let rank: Int
  /// The number of features D.
  public let dimension: Int

  /// The ratio of ``largest`` to ``smallest``, or nil for a covariance that is singular in float64.
  public var condition: Double? { rank == dimension ? largest / smallest : nil }

  /// Summarises eigenvalues.
  ///
  /// - Parameters:
  ///   - values: The eigenvalues in ascending order.
  ///   - relativePrecision: As in ``GaussianStatistics``.
  /// - Throws: ``MetricError`` `NotPositiveSemidefinite` if the smallest is below -1e-10 of the
  ///   largest and below what the rounding of the covariance explains.
  init(_ values: [Double], relativePrecision: Double) throws(MetricError) {
    let smallest = values.first ?? 0
    let largest = max(values.last ?? 0, -smallest)
    // Rounding the elements of s moves no eigenvalue by more than the Frobenius norm of the change,
    // which is at most relativePrecision times the sum of |λ|.
    let rounding = relativePrecision * values.reduce(0) { $0 + abs($1) }
    guard smallest >= -max(1e-10 * largest, rounding) else {
      throw MetricError(
        .notPositiveSemidefinite, "smallest eigenvalue \(smallest), largest \(values.last ?? 0)")
    }
    self.smallest = smallest
    self.largest = largest
    rank = values.count { $0 > Double(values.count) * 0x1p-52 * largest }
    dimension = values.count
  }
}

extension GaussianStatistics {
  /// Computes the eigenvalues of the covariance.
  ///
  /// - Throws: ``MetricError`` `NotPositiveSemidefinite` if an eigenvalue is more negative than
  ///   rounding explains, `LAPACKFailure` if `dsyevd` fails.
  public func spectrum() throws(MetricError) -> Spectrum {
    try Spectrum(
      try lapack(symmetricEigenvalues(covarianceMatrix)), relativePrecision: relativePrecision)
  }

  /// Checks that the covariance is positive semidefinite, as ``frechetDistance(between:and:)``
  /// requires. Uses a Cholesky factor if there is one, which takes a tenth of a second for 2048
  /// features, whereas the eigenvalues take seconds.
  ///
  /// - Throws: ``MetricError`` `NotPositiveSemidefinite` if an eigenvalue is more negative than
  ///   rounding explains, `LAPACKFailure` if a LAPACK routine fails.
  public func checkPositiveSemidefinite() throws(MetricError) {
    if try lapack(choleskyFactor(covarianceMatrix)) == nil { _ = try spectrum() }
  }

  /// Whether the covariance is singular in float64: a square of a pivot of its Cholesky factor is not
  /// above D 2⁻⁵² of the largest one. The covariance of N images is singular if N is at most D.
  package var isSingular: Bool {
    guard let factor = try? choleskyFactor(covarianceMatrix) else { return true }
    let pivots = factor.diagonal.map { $0 * $0 }
    return (pivots.min() ?? 0) <= Double(dimension) * 0x1p-52 * (pivots.max() ?? 0)
  }

  /// The sum of the variances.
  public var trace: Double { covarianceMatrix.diagonal.reduce(0, +) }

  private var covarianceMatrix: Matrix {
    Matrix(rows: dimension, columns: dimension, values: covariance)
  }
}
