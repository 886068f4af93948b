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
  package mutating func mirrorLowerTriangle() { mirror(&values, dimension: rows) }
}

extension Tensor {
  /// Copies the triangle below the diagonal of a square matrix to the triangle above it.
  package mutating func mirrorLowerTriangle() { mirror(&values, dimension: columns) }
}

/// Copies the lower triangle of `[n, n]` to the upper one, tile by tile, because elements of a column are far apart.
private func mirror<Element>(_ values: inout [Element], dimension: Int) {
  let side = 16
  precondition(values.count == dimension * dimension, "\(values.count) for \(dimension)")
  values.withUnsafeMutableBufferPointer { values in
    for top in stride(from: 0, to: dimension, by: side) {
      for left in stride(from: 0, through: top, by: side) {
        for row in top..<min(top + side, dimension) {
          for column in left..<min(left + side, row) {
            values[column * dimension + row] = values[row * dimension + column]
          }
        }
      }
    }
  }
}
