import Tensors

/// A Gaussian whose covariance is given as `FᵀF`.
package struct FactoredGaussian {
  package let mean: [Double]
  /// The trace of the covariance.
  package let trace: Double
  /// The factor `F`, `[R, D]`.
  let factor: Matrix
  let factorization: FrechetDistance.Factorization

  /// Factors the covariance of `statistics`.
  ///
  /// - Parameter statistics: A mean `[D]` and a covariance `[D, D]`.
  /// - Throws: ``MetricError`` `NotPositiveSemidefinite` if an eigenvalue is more negative than
  ///   rounding explains, `LAPACKFailure` if a LAPACK routine fails.
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

  /// Computes the Gaussian of features. With N <= D samples, the centred rows replace a factor.
  ///
  /// - Parameters:
  ///   - rows: `[N, D]`.
  ///   - dimension: D.
  ///   - precision: The precision in which the mean is summed.
  /// - Throws: ``MetricError`` `ShapeMismatch` if `rows` are not whole rows, `NonFinite` with the
  ///   index of the sample for a NaN or an infinity, `TooFewSamples` if N < 2; also as ``init(_:)``
  ///   if N > D.
  package init(
    rows: [Float], dimension: Int, mean precision: MeanPrecision
  ) throws(MetricError) {
    try checkRows(rows, dimension: dimension, firstSample: 0)
    let count = rows.count / dimension
    guard count >= 2 else { throw .tooFewSamples(count, atLeast: 2) }
    guard count <= dimension else {
      var accumulator = try GaussianAccumulator(dimension: dimension)
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

  /// Returns `F₁F₂ᵀ` or its transpose, which has the same singular values.
  func times(_ other: FactoredGaussian) -> Matrix {
    if factorization.method == .cholesky, other.factorization.method != .cholesky {
      return other.timesTransposed(self)
    }
    return timesTransposed(other)
  }

  /// Returns `F₁F₂ᵀ`.
  func timesTransposed(_ other: FactoredGaussian) -> Matrix {
    other.factorization.method == .cholesky
      ? product(factor, transposedUpperTriangular: other.factor)
      : product(factor, transposed: other.factor)
  }

  /// Returns `A F`.
  ///
  /// - Parameter matrix: A, `[Q, R]`.
  func multiplied(by matrix: Matrix) -> Matrix {
    factorization.method == .cholesky
      ? product(matrix, upperTriangular: factor) : product(matrix, factor)
  }
}

/// Returns whether every pivot of a Cholesky factor exceeds the rounding error of the variance from
/// which it was computed.
private func isNonsingular(_ factor: Matrix, of covariance: Matrix) -> Bool {
  let rounding = Double(factor.rows) * 0x1p-52
  return zip(factor.diagonal, covariance.diagonal).allSatisfy { $0 * $0 > rounding * $1 }
}

/// Returns `√λ vᵀ` for every eigenvalue λ of `s` that exceeds its rounding error, D 2⁻⁵² of the
/// largest.
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
  do { return try body() } catch { throw MetricError(.lapackFailure, error.description) }
}
