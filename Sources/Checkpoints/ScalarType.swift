/// How one number of a stored tensor is encoded. Always little-endian once read.
package enum ScalarType: String, CaseIterable, Sendable {
  case float64, float32, float16, bfloat16
  case int64, int32, int16, int8, uint64, uint32, uint16, uint8
  case bool

  /// Bytes per number.
  package var size: Int {
    switch self {
    case .float64, .int64, .uint64: 8
    case .float32, .int32, .uint32: 4
    case .float16, .bfloat16, .int16, .uint16: 2
    case .int8, .uint8, .bool: 1
    }
  }

  /// Whether the numbers are whole by their type.
  package var isInteger: Bool {
    switch self {
    case .int64, .int32, .int16, .int8, .uint64, .uint32, .uint16, .uint8: true
    case .float64, .float32, .float16, .bfloat16, .bool: false
    }
  }

  /// Whether the numbers are floating-point.
  package var isFloatingPoint: Bool {
    switch self {
    case .float64, .float32, .float16, .bfloat16: true
    default: false
    }
  }
}

/// What a file says of one tensor.
package struct TensorInfo: Equatable, Sendable {
  package let name: String
  package let type: ScalarType
  package let shape: [Int]

  package init(name: String, type: ScalarType, shape: [Int]) {
    self.name = name
    self.type = type
    self.shape = shape
  }
}
