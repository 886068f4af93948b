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

  /// Adds gated values of a different tensor in place: `x[l, d] += gate[d] * other[l, d]`.
  ///
  /// - Parameters:
  ///   - other: A tensor of the same shape.
  ///   - gate: D values.
  /// - SeeAlso: Peebles & Xie, "Scalable Diffusion Models with Transformers", arXiv 2212.09748,
  ///   adaLN-Zero.
  package mutating func add(_ other: Tensor, gate: Tensor) {
    precondition(
      shape == other.shape && gate.count == columns, "add: \(shape), \(other.shape), \(gate.shape)")
    let (rows, columns) = (self.rows, self.columns)
    values.withUnsafeMutableBufferPointer { x in
      other.values.withUnsafeBufferPointer { other in
        gate.values.withUnsafeBufferPointer { gate in
          for row in 0..<rows {
            let first = row * columns
            for column in 0..<columns { x[first + column] += gate[column] * other[first + column] }
          }
        }
      }
    }
  }

  /// Computes `x[l, d] * (1 + scale[d]) + shift[d]` in place, for `[L, D]`.
  ///
  /// - Parameters:
  ///   - shift: D values.
  ///   - scale: D values.
  /// - SeeAlso: Peebles & Xie, "Scalable Diffusion Models with Transformers", arXiv 2212.09748,
  ///   adaptive layer norm.
  package mutating func modulate(shift: Tensor, scale: Tensor) {
    precondition(
      shift.count == columns && scale.count == columns,
      "modulate: \(shape), \(shift.shape), \(scale.shape)")
    let (rows, columns) = (self.rows, self.columns)
    values.withUnsafeMutableBufferPointer { x in
      shift.values.withUnsafeBufferPointer { shift in
        scale.values.withUnsafeBufferPointer { scale in
          for row in 0..<rows {
            let first = row * columns
            for column in 0..<columns {
              x[first + column] = x[first + column] * (1 + scale[column]) + shift[column]
            }
          }
        }
      }
    }
  }

  /// Computes `x[l, d] * (1 + scale[d]) + shift[d]` in place, for `[L, D]`.
  ///
  /// - Parameter shiftAndScale: Shape `[1, 2D]`: D shifts, then D scales.
  package mutating func modulate(by shiftAndScale: Tensor) {
    let parts = shiftAndScale.chunks(2)
    modulate(shift: parts[0], scale: parts[1])
  }

  /// Splits `[1, kD]` into k tensors `[D]`.
  ///
  /// - Parameter count: k, a divisor of the number of values.
  package func chunks(_ count: Int) -> [Tensor] {
    precondition(
      rows == 1 && count >= 1 && columns.isMultiple(of: count), "chunks: \(shape) in \(count)")
    let length = columns / count
    return (0..<count).map {
      Tensor(shape: [length], values: Array(values[$0 * length..<($0 + 1) * length]))
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
