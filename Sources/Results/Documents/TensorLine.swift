/// One tensor.
public struct TensorLine: Codable, Sendable {
  /// Key.
  public var name: String
  /// Encoding.
  public var type: String
  /// Extents.
  public var shape: [Int]

  package init(
    name: String, type: String, shape: [Int]
  ) {
    self.name = name
    self.type = type
    self.shape = shape
  }
}
