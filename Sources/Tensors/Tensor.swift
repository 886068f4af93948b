/// A dense float32 array in row-major order: a shape and its values, nothing else.
///
/// No strides, no views, no broadcasting. Operations are functions on whole tensors, one per file.
public struct Tensor: Equatable, Sendable {
  /// Extents, outermost first. Empty for a scalar.
  public let shape: [Int]
  /// `shape.reduce(1, *)` values, the last axis fastest.
  public var values: [Float]

  /// Wraps `values`, whose count must be the product of `shape`.
  public init(shape: [Int], values: [Float]) {
    precondition(shape.reduce(1, *) == values.count, "\(shape) does not hold \(values.count) values")
    self.shape = shape
    self.values = values
  }

  /// A tensor of zeros.
  public init(zeros shape: [Int]) {
    self.init(shape: shape, values: [Float](repeating: 0, count: shape.reduce(1, *)))
  }

  /// The number of values.
  public var count: Int { values.count }

  /// The same values under another shape of the same count.
  public func reshaped(_ shape: [Int]) -> Tensor { Tensor(shape: shape, values: values) }
}
