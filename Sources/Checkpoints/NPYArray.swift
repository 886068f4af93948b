import Files

/// An array as stored in numpy's `.npy` files, always in C order and little-endian.
package struct NPYArray: Equatable, Sendable {
  /// The type of the elements.
  package let type: ScalarType
  /// The extents, outermost first. Empty for a scalar.
  package let shape: [Int]
  /// The elements, little-endian, the last axis varying fastest.
  package let bytes: [UInt8]

  /// Creates an array from `bytes`, whose size must match the shape and type.
  init(type: ScalarType, shape: [Int], bytes: [UInt8]) {
    precondition(shape.reduce(type.size, *) == bytes.count, "\(shape) needs another count of bytes")
    self.type = type
    self.shape = shape
    self.bytes = bytes
  }

  /// Creates a float32 array from its elements.
  ///
  /// - Parameters:
  ///   - floats: The elements in C order, whose count must be the product of `shape`.
  ///   - shape: The extents, outermost first; empty for a scalar.
  package init(floats: [Float], shape: [Int]) {
    self.init(type: .float32, shape: shape, bytes: floats.withUnsafeBytes { Array($0) })
  }

  /// Creates a float64 array from its elements.
  ///
  /// - Parameters:
  ///   - doubles: The elements in C order, whose count must be the product of `shape`.
  ///   - shape: The extents, outermost first; empty for a scalar.
  package init(doubles: [Double], shape: [Int]) {
    self.init(type: .float64, shape: shape, bytes: doubles.withUnsafeBytes { Array($0) })
  }

  /// Creates an int64 array from its elements.
  ///
  /// - Parameters:
  ///   - integers: The elements in C order, whose count must be the product of `shape`.
  ///   - shape: The extents, outermost first; empty for a scalar.
  package init(integers: [Int64], shape: [Int]) {
    self.init(type: .int64, shape: shape, bytes: integers.withUnsafeBytes { Array($0) })
  }

  /// Creates a uint8 array from its elements.
  ///
  /// - Parameters:
  ///   - bytes: The elements in C order, whose count must be the product of `shape`.
  ///   - shape: The extents, outermost first; empty for a scalar.
  package init(bytes: [UInt8], shape: [Int]) {
    self.init(type: .uint8, shape: shape, bytes: bytes)
  }
}

// MARK: - Conversions

extension NPYArray {
  /// Returns the elements, rounded to the nearest float32 where necessary.
  package func floats() -> [Float] { converted() }

  /// Returns the elements in double precision.
  package func doubles() -> [Double] { converted() }

  /// Returns the elements as integers.
  ///
  /// - Throws: ``Failure`` `NotIntegral` (65) if a value cannot be represented as an `Int`.
  package func integers() throws(Failure) -> [Int] {
    let integers: [Int?] =
      switch type {
      case .float64, .float32, .float16, .bfloat16: doubles().map { Int(exactly: $0) }
      case .uint64: elements(UInt64.self) { Int(exactly: $0) }
      case .int64: elements(Int64.self) { Int($0) }
      case .int32: elements(Int32.self) { Int($0) }
      case .int16: elements(Int16.self) { Int($0) }
      case .int8: elements(Int8.self) { Int($0) }
      case .uint32: elements(UInt32.self) { Int($0) }
      case .uint16: elements(UInt16.self) { Int($0) }
      case .uint8, .bool: bytes.map { Int($0) }
      }
    if let index = integers.firstIndex(of: nil) {
      throw .refused(
        .notIntegral, "array", "element \(index) of \(type) \(shape) is not an integer")
    }
    return integers.compactMap(\.self)
  }

  /// Returns the elements of a vector of integers. Other element types are refused even if they
  /// hold whole numbers.
  ///
  /// - Parameters:
  ///   - subject: The name of the array, for messages.
  ///   - code: The code of the failure.
  /// - Throws: ``Failure`` `code` (65) with the actual type and shape if this is not a vector of
  ///   integers, or if an element exceeds `Int`.
  package func vectorOfIntegers(subject: String, code: Failure.Code) throws(Failure) -> [Int] {
    guard type.isInteger, shape.count == 1 else {
      let advice =
        switch shape.count {
        case 2 where shape[1] > 1: "; for one-hot rows, save the argmax along the last axis"
        case 2: "; reshape it to [N]"
        case 1: "; save it as int64"
        default: ""
        }
      throw .refused(code, subject, "\(type) \(shape), expected integers [N]\(advice)")
    }
    guard let integers = try? integers() else {
      throw .refused(code, subject, "\(type) \(shape) with an element above \(Int.max)")
    }
    return integers
  }

  private func converted<Value: BinaryFloatingPoint>() -> [Value] {
    switch type {
    case .float64: elements(Double.self) { Value($0) }
    case .float32: elements(Float.self) { Value($0) }
    case .float16: elements(Float16.self) { Value(Float($0)) }
    case .bfloat16: elements(UInt16.self) { Value(Float(bitPattern: UInt32($0) << 16)) }
    case .int64: elements(Int64.self) { Value($0) }
    case .int32: elements(Int32.self) { Value($0) }
    case .int16: elements(Int16.self) { Value($0) }
    case .int8: elements(Int8.self) { Value($0) }
    case .uint64: elements(UInt64.self) { Value($0) }
    case .uint32: elements(UInt32.self) { Value($0) }
    case .uint16: elements(UInt16.self) { Value($0) }
    case .uint8, .bool: elements(UInt8.self) { Value($0) }
    }
  }

  private func elements<Stored, Value>(
    _: Stored.Type, _ convert: (Stored) -> Value
  ) -> [Value] {
    bytes.withUnsafeBytes { buffer in
      stride(from: 0, to: buffer.count, by: MemoryLayout<Stored>.size).map {
        convert(buffer.loadUnaligned(fromByteOffset: $0, as: Stored.self))
      }
    }
  }
}
