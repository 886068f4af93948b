import Foundation

extension Tensor {
  /// Adds the values of a different tensor in place.
  ///
  /// - Parameter other: A tensor of the same shape.
  package mutating func add(_ other: Tensor) {
    precondition(shape == other.shape, "add: \(shape) and \(other.shape)")
    values.withUnsafeMutableBufferPointer { sum in
      other.values.withUnsafeBufferPointer { term in
        for index in sum.indices { sum[index] += term[index] }
      }
    }
  }

  /// Computes `x[l, d] * (1 + scale[d]) + shift[d]` in place, for `[L, D]`.
  ///
  /// - Parameter shiftAndScale: Shape `[1, 2D]`: D shifts, then D scales.
  /// - SeeAlso: Peebles & Xie, "Scalable Diffusion Models with Transformers", arXiv 2212.09748,
  ///   adaptive layer norm.
  package mutating func modulate(by shiftAndScale: Tensor) {
    let columns = self.columns
    precondition(shiftAndScale.count == 2 * columns, "modulate: \(shiftAndScale.shape), \(shape)")
    values.withUnsafeMutableBufferPointer { x in
      shiftAndScale.values.withUnsafeBufferPointer { modulation in
        for index in x.indices {
          let column = index % columns
          x[index] = x[index] * (1 + modulation[columns + column]) + modulation[column]
        }
      }
    }
  }
}

/// Joins the columns of two matrices.
///
/// - Parameters:
///   - a: `[L, A]`.
///   - b: `[L, B]`, with the same L.
package func concatenateColumns(_ a: Tensor, _ b: Tensor) -> Tensor {
  precondition(a.rows == b.rows, "concatenateColumns: \(a.shape) and \(b.shape)")
  var values: [Float] = []
  values.reserveCapacity(a.count + b.count)
  for row in 0..<a.rows {
    values += a.values[row * a.columns..<(row + 1) * a.columns]
    values += b.values[row * b.columns..<(row + 1) * b.columns]
  }
  return Tensor(shape: [a.rows, a.columns + b.columns], values: values)
}

/// Returns `x * sigmoid(x)` for every value.
///
/// - Parameter x: Any shape, which is also that of the result.
package func silu(_ x: Tensor) -> Tensor {
  Tensor(shape: x.shape, values: x.values.map { $0 / (1 + exp(-$0)) })
}
