import CLAPACK
import Foundation

/// A failure of a LAPACK routine.
package struct LAPACKError: Error, CustomStringConvertible {
  /// The name of the routine, such as `dgesdd`.
  package let routine: String
  /// The routine's `info`: negative for a refused argument, positive for a failed computation,
  /// never 0.
  package let info: Int

  /// The name of the routine and its `info`.
  package var description: String { "\(routine) returned info = \(info)" }
}

/// The number of threads for routines that take most of a second at 2048 dimensions.
package let factorizationThreads: Int32 = 2

/// Runs a routine on one thread, at the same time as others, or on several threads alone.
private func withThreads<Result>(_ count: Int32, _ body: () -> Result) -> Result {
  count == 1 ? withOneBLASThread(body) : withBLASThreads(count, body)
}

// LAPACK stores matrices by columns and `Matrix` by rows. A lower triangle for one is the upper
// triangle for the other, and each sees the transpose of what the other sees. No matrix is copied
// to transpose it.

/// Returns the lower triangle of `Xᵀ X` with zeros above it: `dsyrk` on one thread.
///
/// - Parameter x: `[N, D]`.
/// - Returns: `[D, D]`.
package func lowerGram(_ x: Matrix) -> Matrix {
  let columns = x.columns
  var gram = Matrix(
    rows: columns, columns: columns, values: [Double](repeating: 0, count: columns * columns))
  setLowerGram(x, &gram)
  return gram
}

/// Writes `Xᵀ X` to the lower triangle of a matrix: `dsyrk` on one thread.
///
/// - Parameters:
///   - x: `[N, D]`.
///   - gram: `[D, D]`; nothing above its diagonal is changed.
package func setLowerGram(_ x: Matrix, _ gram: inout Matrix) {
  precondition(gram.rows == x.columns && gram.columns == x.columns, "\(x.columns) for \(gram.rows)")
  let (rows, columns) = (blasint(x.rows), blasint(x.columns))
  withOneBLASThread {
    cblas_dsyrk(
      CblasRowMajor, CblasLower, CblasTrans, columns, rows, 1, x.values, columns, 0, &gram.values,
      columns)
  }
}

/// Adds a multiple of `Xᵀ X` to the lower triangle of a matrix in float32: `ssyrk` on one thread.
///
/// - Parameters:
///   - x: `[N, D]`.
///   - factor: What the product is multiplied by.
///   - sum: `[D, D]` in row-major order; nothing above its diagonal is changed.
package func addLowerGram(_ x: Tensor, times factor: Float, to sum: inout [Float]) {
  precondition(sum.count == x.columns * x.columns, "\(x.columns) columns for \(sum.count)")
  guard x.columns > 0 else { return }
  let (rows, columns) = (blasint(x.rows), blasint(x.columns))
  withOneBLASThread {
    cblas_ssyrk(
      CblasRowMajor, CblasLower, CblasTrans, columns, rows, factor, x.values, columns, 1, &sum,
      columns)
  }
}

/// Returns the lower triangle of `X Xᵀ` with zeros above it: `dsyrk`.
///
/// - Parameter x: `[N, D]`.
/// - Returns: `[N, N]`.
package func lowerOuterGram(_ x: Matrix) -> Matrix {
  var gram = [Double](repeating: 0, count: x.rows * x.rows)
  withBLASThreads(factorizationThreads) {
    cblas_dsyrk(
      CblasRowMajor, CblasLower, CblasNoTrans, blasint(x.rows), blasint(x.columns), 1, x.values,
      blasint(x.columns), 0, &gram, blasint(x.rows))
  }
  return Matrix(rows: x.rows, columns: x.rows, values: gram)
}

/// Returns the upper triangular `U` with `S = Uᵀ U`: `dpotrf`.
///
/// - Parameter s: Symmetric, `[D, D]`; only its upper triangle is read.
/// - Returns: `U`, `[D, D]`, or nil if a leading minor of `s` is not positive.
/// - Throws: ``LAPACKError`` if `dpotrf` refuses an argument.
package func choleskyFactor(_ s: Matrix) throws(LAPACKError) -> Matrix? {
  var factor = s
  let n = clapack_int(s.rows)
  let info = withBLASThreads(factorizationThreads) {
    LAPACKE_dpotrf(LAPACK_COL_MAJOR, CChar(UInt8(ascii: "L")), n, &factor.values, n)
  }
  guard info >= 0 else { throw LAPACKError(routine: "dpotrf", info: Int(info)) }
  guard info == 0 else { return nil }
  for row in 0..<s.rows {
    for column in 0..<row { factor.values[row * s.columns + column] = 0 }
  }
  return factor
}

/// Inverts a positive definite matrix in float32: `spotrf` and `spotri` on one thread.
///
/// - Parameters:
///   - values: `[D, D]` in row-major order, which becomes its inverse; only the lower triangle is read and written.
///   - dimension: D.
/// - Returns: Whether all leading minors are positive. If not, nothing is known of the values afterwards. NaNs need not
///   be noticed, and make the inverse NaN.
package func invertPositiveDefinite(_ values: inout [Float], dimension: Int) -> Bool {
  precondition(values.count == dimension * dimension, "\(values.count) for \(dimension)")
  let n = clapack_int(dimension)
  let triangle = CChar(UInt8(ascii: "U"))
  return withOneBLASThread {
    LAPACKE_spotrf_work(LAPACK_COL_MAJOR, triangle, n, &values, n) == 0
      && LAPACKE_spotri_work(LAPACK_COL_MAJOR, triangle, n, &values, n) == 0
  }
}

/// Returns the inverse of an upper triangular matrix: `dtrtri`.
///
/// - Parameter upper: `[D, D]`, with zeros below the diagonal and none on it.
/// - Returns: `[D, D]`, upper triangular.
/// - Throws: ``LAPACKError`` if `dtrtri` refuses an argument or finds a zero on the diagonal.
package func inverse(ofUpperTriangular upper: Matrix) throws(LAPACKError) -> Matrix {
  var result = upper
  let n = clapack_int(upper.rows)
  let info = withBLASThreads(factorizationThreads) {
    LAPACKE_dtrtri(
      LAPACK_COL_MAJOR, CChar(UInt8(ascii: "L")), CChar(UInt8(ascii: "N")), n, &result.values, n)
  }
  guard info == 0 else { throw LAPACKError(routine: "dtrtri", info: Int(info)) }
  return result
}

/// Returns the eigenvalues in ascending order and the eigenvectors as rows: `dsyevd`.
///
/// - Parameter s: Symmetric, `[D, D]`.
/// - Returns: D eigenvalues, and the eigenvectors `[D, D]`.
/// - Throws: ``LAPACKError`` if `dsyevd` refuses an argument or does not converge.
package func symmetricEigendecomposition(
  _ s: Matrix
) throws(LAPACKError) -> (values: [Double], vectors: Matrix) {
  var vectors = s
  var values = [Double](repeating: 0, count: s.rows)
  let n = clapack_int(s.rows)
  let info = withBLASThreads(factorizationThreads) {
    LAPACKE_dsyevd(
      LAPACK_COL_MAJOR, CChar(UInt8(ascii: "V")), CChar(UInt8(ascii: "L")), n, &vectors.values, n,
      &values)
  }
  guard info == 0 else { throw LAPACKError(routine: "dsyevd", info: Int(info)) }
  return (values, vectors)
}

/// Returns the eigenvalues in ascending order: `dsyevd` without the eigenvectors, in a third of the
/// time.
///
/// - Parameter s: Symmetric, `[D, D]`; only its upper triangle is read.
/// - Returns: D eigenvalues; none for an empty matrix.
/// - Throws: ``LAPACKError`` if `dsyevd` refuses an argument or does not converge.
package func symmetricEigenvalues(_ s: consuming Matrix) throws(LAPACKError) -> [Double] {
  guard !s.values.isEmpty else { return [] }
  var values = [Double](repeating: 0, count: s.rows)
  let n = clapack_int(s.rows)
  let info = withBLASThreads(factorizationThreads) {
    LAPACKE_dsyevd(
      LAPACK_COL_MAJOR, CChar(UInt8(ascii: "N")), CChar(UInt8(ascii: "L")), n, &s.values, n,
      &values)
  }
  guard info == 0 else { throw LAPACKError(routine: "dsyevd", info: Int(info)) }
  return values
}

/// Returns `A Bᵀ`: `dgemm`.
///
/// - Parameters:
///   - a: `[R, D]`.
///   - b: `[Q, D]`.
///   - threads: The number of threads; calls on one thread may run at the same time.
/// - Returns: `[R, Q]`.
package func product(
  _ a: Matrix, transposed b: Matrix, threads: Int32 = factorizationThreads
) -> Matrix {
  precondition(a.columns == b.columns, "product: \(a.columns) and \(b.columns) columns")
  var result = [Double](repeating: 0, count: a.rows * b.rows)
  withThreads(threads) {
    cblas_dgemm(
      CblasRowMajor, CblasNoTrans, CblasTrans, blasint(a.rows), blasint(b.rows),
      blasint(a.columns), 1, a.values, blasint(a.columns), b.values, blasint(a.columns), 0,
      &result, blasint(max(1, b.rows)))
  }
  return Matrix(rows: a.rows, columns: b.rows, values: result)
}

/// Returns `A B`: `dgemm`.
///
/// - Parameters:
///   - a: `[R, D]`.
///   - b: `[D, Q]`.
/// - Returns: `[R, Q]`.
package func product(_ a: Matrix, _ b: Matrix) -> Matrix {
  precondition(a.columns == b.rows, "product: \(a.columns) columns and \(b.rows) rows")
  var result = [Double](repeating: 0, count: a.rows * b.columns)
  withBLASThreads(factorizationThreads) {
    cblas_dgemm(
      CblasRowMajor, CblasNoTrans, CblasNoTrans, blasint(a.rows), blasint(b.columns),
      blasint(a.columns), 1, a.values, blasint(max(1, a.columns)), b.values,
      blasint(max(1, b.columns)), 0, &result, blasint(max(1, b.columns)))
  }
  return Matrix(rows: a.rows, columns: b.columns, values: result)
}

/// Returns `A Bᵀ` in float32, on as many threads as the factorisations: `sgemm`.
///
/// - Parameters:
///   - a: `[R, D]`.
///   - b: `[Q, D]`.
/// - Returns: `[R, Q]`.
package func product(_ a: Tensor, transposed b: Tensor) -> Tensor {
  precondition(a.columns == b.columns, "product: \(a.columns) and \(b.columns) columns")
  return Tensor(shape: [a.rows, b.rows]) { y in
    withBLASThreads(factorizationThreads) {
      cblas_sgemm(
        CblasRowMajor, CblasNoTrans, CblasTrans, blasint(a.rows), blasint(b.rows),
        blasint(a.columns), 1, a.values, blasint(a.columns), b.values, blasint(b.columns), 0, y,
        blasint(b.rows))
    }
  }
}

/// Returns `A Uᵀ` in half the operations of ``product(_:transposed:)``: `dtrmm`.
///
/// - Parameters:
///   - a: `[R, D]`.
///   - upper: Upper triangular, `[D, D]`.
/// - Returns: `[R, D]`.
package func product(_ a: Matrix, transposedUpperTriangular upper: Matrix) -> Matrix {
  product(a, upper, CblasTrans)
}

/// Returns `A U` in half the operations of ``product(_:_:)``: `dtrmm`.
///
/// - Parameters:
///   - a: `[R, D]`.
///   - upper: Upper triangular, `[D, D]`.
/// - Returns: `[R, D]`.
package func product(_ a: Matrix, upperTriangular upper: Matrix) -> Matrix {
  product(a, upper, CblasNoTrans)
}

private func product(_ a: Matrix, _ upper: Matrix, _ transposition: CBLAS_TRANSPOSE) -> Matrix {
  precondition(a.columns == upper.rows, "product: \(a.columns) and \(upper.rows)")
  var result = a
  withBLASThreads(factorizationThreads) {
    cblas_dtrmm(
      CblasRowMajor, CblasRight, CblasUpper, transposition, CblasNonUnit, blasint(a.rows),
      blasint(a.columns), 1, upper.values, blasint(upper.columns), &result.values,
      blasint(a.columns))
  }
  return result
}

/// Returns the singular values in descending order: `dgesdd`.
///
/// - Parameter x: `[N, D]`.
/// - Returns: min(N, D) values; none for an empty matrix.
/// - Throws: ``LAPACKError`` if `dgesdd` refuses an argument or does not converge.
package func singularValues(_ x: consuming Matrix) throws(LAPACKError) -> [Double] {
  guard !x.values.isEmpty else { return [] }
  var values = [Double](repeating: 0, count: min(x.rows, x.columns))
  let (m, n) = (clapack_int(x.columns), clapack_int(x.rows))
  let info = withBLASThreads(factorizationThreads) {
    LAPACKE_dgesdd(
      LAPACK_COL_MAJOR, CChar(UInt8(ascii: "N")), m, n, &x.values, m, &values, nil, 1, nil, 1)
  }
  guard info == 0 else { throw LAPACKError(routine: "dgesdd", info: Int(info)) }
  return values
}

/// Returns `X = U diag(σ) V` with all left and right singular vectors: `dgesdd`.
///
/// - Parameter x: `[N, D]`, not empty.
/// - Returns: The left vectors as columns, `[N, N]`; the min(N, D) values in descending order; the
///   right vectors as rows, `[D, D]`.
/// - Throws: ``LAPACKError`` if `dgesdd` refuses an argument or does not converge.
package func singularValueDecomposition(
  _ x: consuming Matrix
) throws(LAPACKError) -> (left: Matrix, values: [Double], right: Matrix) {
  precondition(!x.values.isEmpty, "singular vectors of an empty matrix")
  var values = [Double](repeating: 0, count: min(x.rows, x.columns))
  var left = [Double](repeating: 0, count: x.rows * x.rows)
  var right = [Double](repeating: 0, count: x.columns * x.columns)
  let (m, n) = (clapack_int(x.columns), clapack_int(x.rows))
  // LAPACK sees Xᵀ = Vᵀ diag(σ) Uᵀ, and returns it by columns.
  let info = withBLASThreads(factorizationThreads) {
    LAPACKE_dgesdd(
      LAPACK_COL_MAJOR, CChar(UInt8(ascii: "A")), m, n, &x.values, m, &values, &right, m, &left, n)
  }
  guard info == 0 else { throw LAPACKError(routine: "dgesdd", info: Int(info)) }
  return (
    Matrix(rows: x.rows, columns: x.rows, values: left), values,
    Matrix(rows: x.columns, columns: x.columns, values: right)
  )
}

/// Returns the eigenvalues of `X Xᵀ` in ascending order, which are the squares of the singular
/// values: `dsyrk`, then `dsyevd`.
///
/// This takes a quarter of the time of ``singularValues(_:)``, but each eigenvalue has an error of
/// about 2⁻⁵³ of the largest, so a small singular value has an error of the square root of that.
///
/// - Parameter x: `[N, D]`.
/// - Returns: N values.
/// - Throws: ``LAPACKError`` if `dsyevd` refuses an argument or does not converge.
package func squaredSingularValues(_ x: Matrix) throws(LAPACKError) -> [Double] {
  var gram = [Double](repeating: 0, count: x.rows * x.rows)
  withBLASThreads(factorizationThreads) {
    cblas_dsyrk(
      CblasRowMajor, CblasUpper, CblasNoTrans, blasint(x.rows), blasint(x.columns), 1, x.values,
      blasint(x.columns), 0, &gram, blasint(x.rows))
  }
  return try symmetricEigenvalues(Matrix(rows: x.rows, columns: x.rows, values: gram))
}
