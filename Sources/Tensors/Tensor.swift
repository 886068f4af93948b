/// A dense float32 array in row-major order, consisting of a shape and its values.
///
/// There are no strides, views or broadcasting. Operations are functions on whole tensors, one per
/// file. Shapes are written with B for the batch, L for tokens, D for the channels of a token or a
/// feature vector, N for states, C for the channels of an image, and H and W for its height and
/// width.
package struct Tensor: Equatable, Sendable {
  /// The extents, outermost first. Empty for a scalar.
  package let shape: [Int]
  /// The values, whose count is the product of ``shape``; the last axis varies fastest.
  package var values: [Float]

  /// Creates a tensor from its values.
  ///
  /// - Parameters:
  ///   - shape: The extents, outermost first; empty for a scalar.
  ///   - values: The values in row-major order, whose count must be the product of `shape`.
  package init(shape: [Int], values: [Float]) {
    precondition(
      shape.reduce(1, *) == values.count, "\(shape) does not hold \(values.count) values")
    self.shape = shape
    self.values = values
  }

  /// Creates a tensor of zeros.
  ///
  /// - Parameter shape: The extents, outermost first; empty for a scalar.
  package init(zeros shape: [Int]) {
    self.init(shape: shape, values: [Float](repeating: 0, count: shape.reduce(1, *)))
  }

  /// Creates a tensor whose values are all written by `initialize`.
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

  /// The extent of the last axis.
  package var columns: Int { shape.last ?? 1 }

  /// The product of all extents but the last.
  package var rows: Int { shape.dropLast().reduce(1, *) }

  /// Returns the same values, in the same order, with a different shape.
  ///
  /// - Parameter shape: The extents, outermost first. Their product must be ``count``.
  package func reshaped(_ shape: [Int]) -> Tensor { Tensor(shape: shape, values: values) }
}
