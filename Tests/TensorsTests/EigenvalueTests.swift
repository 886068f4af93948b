import Tensors
import Testing

@Suite struct EigenvalueTests {
  /// `H diag(λ) H` with the reflection `H = I - 2 v vᵀ / vᵀv` has the eigenvalues λ. Rounding changes an
  /// element by at most 7 · 2⁻⁵² λ₁ of `2 |vᵢ vⱼ| / vᵀv`, a matrix whose norm is 2, and by 2⁻⁵³ of itself, so
  /// it moves no eigenvalue by more than (14 + √D / 2) 2⁻⁵² λ₁. The routines add about D 2⁻⁵² λ₁.
  @Test("a reflected diagonal matrix has its eigenvalues", arguments: [1, 2, 3, 60, 400])
  func reflected(dimension: Int) throws {
    let expected = (0..<dimension).map { Double($0 * $0) / 64 }
    let v = (0..<dimension).map { Double($0 % 7 - 3) + 0.5 }
    let square = v.reduce(0) { $0 + $1 * $1 }
    let mean = zip(expected, v).reduce(0) { $0 + $1.0 * $1.1 * $1.1 } / square
    var matrix = [Double](repeating: 0, count: dimension * dimension)
    for row in 0..<dimension {
      for column in row..<dimension {
        let shared = 2 * v[row] * v[column] / square
        matrix[row * dimension + column] =
          (row == column ? expected[row] : 0)
          - shared * (expected[row] + expected[column] - 2 * mean)
      }
    }
    let values = try symmetricEigenvalues(
      Matrix(rows: dimension, columns: dimension, values: matrix))
    let bound = Double(2 * dimension + 14) * 0x1p-52 * (expected.last ?? 0)
    #expect(values.count == dimension)
    #expect(zip(values, expected).allSatisfy { abs($0 - $1) <= bound })
  }

  @Test("refuses NaN, and names the routine") func notANumber() {
    let error = #expect(throws: LAPACKError.self) {
      try symmetricEigenvalues(Matrix(rows: 2, columns: 2, values: [1, .nan, .nan, 1]))
    }
    #expect(error?.routine == "dsyevd")
  }

  @Test("an empty matrix has none") func empty() throws {
    #expect(try symmetricEigenvalues(Matrix(rows: 0, columns: 0, values: [])) == [])
  }
}
