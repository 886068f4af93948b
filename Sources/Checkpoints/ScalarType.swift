/// The type of the numbers of a stored tensor. Values are always little-endian once read.
package enum ScalarType: String, CaseIterable, Sendable {
  case float64, float32, float16, bfloat16
  case int64, int32, int16, int8, uint64, uint32, uint16, uint8
  case bool

  /// The number of bytes per number.
  package var size: Int {
    switch self {
    case .float64, .int64, .uint64: 8
    case .float32, .int32, .uint32: 4
    case .float16, .bfloat16, .int16, .uint16: 2
    case .int8, .uint8, .bool: 1
    }
  }

  /// Whether this is an integer type.
  package var isInteger: Bool {
    switch self {
    case .int64, .int32, .int16, .int8, .uint64, .uint32, .uint16, .uint8: true
    case .float64, .float32, .float16, .bfloat16, .bool: false
    }
  }

  /// Whether this is a floating-point type.
  package var isFloatingPoint: Bool {
    switch self {
    case .float64, .float32, .float16, .bfloat16: true
    default: false
    }
  }
}

/// The name, type and shape of a tensor in a file.
package struct TensorInfo: Equatable, Sendable {
  /// The name of the tensor.
  package let name: String
  /// The type of the elements.
  package let type: ScalarType
  /// The extents, outermost first.
  package let shape: [Int]

  /// Creates a description from its properties.
  ///
  /// - Parameters:
  ///   - name: The name of the tensor.
  ///   - type: The type of the elements.
  ///   - shape: The extents, outermost first; empty for a scalar.
  package init(name: String, type: ScalarType, shape: [Int]) {
    self.name = name
    self.type = type
    self.shape = shape
  }
}
