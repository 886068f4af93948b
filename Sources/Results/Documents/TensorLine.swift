/// The name, type and shape of one tensor.
public struct TensorLine: Codable, Sendable {
  /// The key of the tensor.
  public var name: String
  /// The encoding of the elements.
  public var type: String
  /// The extent of each dimension.
  public var shape: [Int]

  /// Creates a line from its properties.
  ///
  /// - Parameters:
  ///   - name: The key of the tensor.
  ///   - type: The encoding of the elements.
  ///   - shape: The extent of each dimension.
  package init(
    name: String, type: String, shape: [Int]
  ) {
    self.name = name
    self.type = type
    self.shape = shape
  }
}
