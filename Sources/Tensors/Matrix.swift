/// A dense float64 matrix in row-major order, used by the statistics that need linear algebra.
package struct Matrix: Equatable, Sendable {
  /// The number of rows.
  package let rows: Int
  /// The number of columns.
  package let columns: Int
  /// The `rows * columns` values, in row-major order.
  package var values: [Double]

  /// Creates a matrix from its values.
  ///
  /// - Parameters:
  ///   - rows: The number of rows.
  ///   - columns: The number of columns.
  ///   - values: The `rows * columns` values, `[rows, columns]` in row-major order.
  package init(rows: Int, columns: Int, values: [Double]) {
    precondition(values.count == rows * columns, "\(rows)x\(columns) is not \(values.count)")
    self.rows = rows
    self.columns = columns
    self.values = values
  }

  /// The elements of the diagonal.
  package var diagonal: [Double] { (0..<min(rows, columns)).map { values[$0 * (columns + 1)] } }

  /// Copies the triangle below the diagonal of a square matrix to the triangle above it.
  package mutating func mirrorLowerTriangle() {
    let (rows, columns) = (rows, columns)
    values.withUnsafeMutableBufferPointer { values in
      for row in 0..<rows {
        for column in 0..<row { values[column * columns + row] = values[row * columns + column] }
      }
    }
  }
}
