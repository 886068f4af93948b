/// A dense float32 array in row-major order: a shape and its values, nothing else.
///
/// No strides, no views, no broadcasting. Operations are functions on whole tensors, one per file.
package struct Tensor: Equatable, Sendable {
  /// Extents, outermost first. Empty for a scalar.
  package let shape: [Int]
  /// `shape.reduce(1, *)` values, the last axis fastest.
  package var values: [Float]

  /// Wraps `values`, whose count must be the product of `shape`.
  package init(shape: [Int], values: [Float]) {
    precondition(
      shape.reduce(1, *) == values.count, "\(shape) does not hold \(values.count) values")
    self.shape = shape
    self.values = values
  }

  /// A tensor of zeros.
  package init(zeros shape: [Int]) {
    self.init(shape: shape, values: [Float](repeating: 0, count: shape.reduce(1, *)))
  }

  /// A tensor whose every value is written by `initialize`.
  init(
    shape: [Int], initializingWith initialize: (UnsafeMutablePointer<Float>) -> Void
  ) {
    let count = shape.reduce(1, *)
    self.shape = shape
    self.values = [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      if let pointer = buffer.baseAddress, count > 0 { initialize(pointer) }
      initialized = count
    }
  }

  /// The number of values.
  package var count: Int { values.count }

  /// Extent of the last axis.
  package var columns: Int { shape.last ?? 1 }

  /// Product of all extents but the last.
  package var rows: Int { shape.dropLast().reduce(1, *) }

  /// The same values under another shape of the same count.
  package func reshaped(_ shape: [Int]) -> Tensor { Tensor(shape: shape, values: values) }
}
