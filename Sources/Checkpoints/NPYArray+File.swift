import Files

private let magic = [0x93] + Array("NUMPY".utf8)

extension NPYArray {
  /// Reads a `.npy` file.
  ///
  /// - Throws: ``Failure`` (65) `NpyMalformed` if the header is invalid or contradicts the size,
  ///   `NpyUnsupported` if the elements are not numbers, or the failure of reading the file, such
  ///   as `NotFound` (66).
  package static func read(_ path: String) throws(Failure) -> NPYArray {
    let file = try ReadableFile(path: path)
    return try parse(try file.bytes(at: 0, count: file.size), subject: path)
  }

  /// Reads the bytes of a `.npy` file of version 1.0, 2.0 or 3.0, in either byte order and in C or
  /// Fortran order.
  ///
  /// The header is a Python dictionary literal. Only the literals that numpy writes are accepted,
  /// so there is no evaluator that could be deceived.
  ///
  /// - Parameters:
  ///   - bytes: The whole file.
  ///   - subject: The name of the file, for messages.
  /// - Throws: ``Failure`` (65) `NpyMalformed` if the header is invalid or contradicts the size,
  ///   `NpyUnsupported` if the elements are not numbers.
  package static func parse(_ bytes: [UInt8], subject: String) throws(Failure) -> NPYArray {
    let header = try NPYHeader(bytes, fileSize: bytes.count, subject: subject)
    let (type, shape) = (header.type, header.shape)
    var content = Array(bytes[header.size...])
    if header.isBigEndian { content = byteSwapped(content, size: type.size) }
    if header.isFortranOrder {
      content = gathered(
        content, size: type.size, offset: 0, shape: shape,
        strides: contiguousStrides(shape.reversed()).reversed())
    }
    return NPYArray(type: type, shape: shape, bytes: content)
  }

  /// The maximum size in bytes of a header.
  package static let maximumHeader = NPYHeader.maximumSize

  /// Returns the bytes of a `.npy` file exactly as numpy writes it: version 1.0, with the header
  /// padded to a multiple of 64 bytes. numpy has no bfloat16, so such an array is written as
  /// float32.
  package func serialized() -> [UInt8] {
    guard let descriptor = type.npyDescriptor else {
      return NPYArray(floats: floats(), shape: shape).serialized()
    }
    return Self.header(descriptor, shape) + bytes
  }

  /// Returns the header of a `.npy` file of uint8 elements.
  ///
  /// - Parameter shape: The extents of the array, outermost first.
  package static func header(ofBytes shape: [Int]) -> [UInt8] {
    header(ScalarType.uint8.npyDescriptor ?? "", shape)
  }

  /// Returns the header of a `.npy` file of float32 elements.
  ///
  /// - Parameter shape: The extents of the array, outermost first.
  package static func header(ofFloats shape: [Int]) -> [UInt8] {
    header(ScalarType.float32.npyDescriptor ?? "", shape)
  }

  private static func header(_ descriptor: String, _ shape: [Int]) -> [UInt8] {
    let extents = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
    var header = "{'descr': '\(descriptor)', 'fortran_order': False, 'shape': (\(extents)), }"
    // numpy leaves room for the first extent to grow to 21 digits.
    if let first = shape.first {
      header += String(repeating: " ", count: 21 - String(first).count)
    }
    header += String(repeating: " ", count: 64 - (10 + header.utf8.count + 1) % 64) + "\n"
    let length = UInt16(header.utf8.count)
    return magic + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)] + Array(header.utf8)
  }

  /// Returns whether the file at `path` begins as a `.npy` file does.
  ///
  /// - Throws: ``Failure`` as ``ReadableFile/init(path:)`` does, or `InputOutput` (74).
  package static func hasSignature(_ path: String) throws(Failure) -> Bool {
    let file = try ReadableFile(path: path)
    return try file.bytes(at: 0, count: min(file.size, magic.count)) == magic
  }

  /// Writes a `.npy` file.
  ///
  /// - Throws: ``Failure`` `CannotCreate` (73) if the file cannot be created, `DiskFull` or
  ///   `InputOutput` (74) if writing fails.
  package func write(to path: String) throws(Failure) {
    try AtomicFile.write(serialized(), to: path)
  }
}

/// The header of a `.npy` file.
struct NPYHeader {
  let type: ScalarType
  let isBigEndian: Bool
  let isFortranOrder: Bool
  let shape: [Int]
  /// The size of the header in bytes.
  let size: Int

  /// The largest ``size`` that is accepted.
  static let maximumSize = 12 + maximumTextLength
  private static let maximumTextLength = 10_000

  /// Parses the beginning of a file, which must consist of the header and its elements.
  ///
  /// - Parameters:
  ///   - start: The whole file, or the first ``maximumSize`` bytes.
  ///   - fileSize: The size of the file in bytes.
  ///   - subject: The name of the file, for messages.
  init(_ start: [UInt8], fileSize: Int, subject: String) throws(Failure) {
    var reader = ByteReader(start, subject: subject, code: .npyMalformed)
    guard try reader.bytes(magic.count).elementsEqual(magic) else {
      throw reader.failure("does not begin like an npy file")
    }
    let version = (try reader.integer(UInt8.self), try reader.integer(UInt8.self))
    guard (1...3).contains(version.0), version.1 == 0 else {
      throw reader.failure("version \(version.0).\(version.1)")
    }
    let length =
      version.0 == 1 ? Int(try reader.integer(UInt16.self)) : Int(try reader.integer(UInt32.self))
    guard length <= Self.maximumTextLength else {
      throw reader.failure("a header of \(length) bytes")
    }
    let text = Array(try reader.bytes(length))
    guard text.last == UInt8(ascii: "\n") else { throw reader.failure("the header has no end") }
    var header = ByteReader(text, subject: subject, code: .npyMalformed)
    let description = try Description(&header)
    (type, shape) = (description.type, description.shape)
    (isBigEndian, isFortranOrder) = (description.isBigEndian, description.isFortranOrder)
    size = reader.position
    let rest = fileSize - size
    guard let count = elementCount(shape), count * type.size == rest else {
      throw reader.failure("\(rest) bytes follow the header of \(type) \(shape)")
    }
  }
}

/// The dictionary in the header of a `.npy` file.
private struct Description {
  var type = ScalarType.float32
  var isBigEndian = false
  var isFortranOrder = false
  var shape: [Int] = []

  /// Parses `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }` with its keys in any
  /// order.
  init(_ header: inout ByteReader) throws(Failure) {
    var missing: Set = ["descr", "fortran_order", "shape"]
    try header.expect("{")
    repeat {
      let key = try header.quoted()
      guard missing.remove(key) != nil else { throw header.failure("key '\(key)'") }
      try header.expect(":")
      switch key {
      case "descr":
        guard header.nextIs("'") else {
          throw header.failure("elements are records, expected numbers", code: .npyUnsupported)
        }
        let descriptor = try header.quoted()
        guard let type = ScalarType(npyDescriptor: descriptor) else {
          throw header.failure("elements '\(descriptor)', expected numbers", code: .npyUnsupported)
        }
        self.type = type
        isBigEndian = descriptor.hasPrefix(">")
      case "fortran_order":
        isFortranOrder = header.skip("True")
        if !isFortranOrder { try header.expect("False") }
      default:
        shape = try header.tuple()
      }
      header.skipSpaces()
    } while header.skip(",") && !header.nextIs("}")
    try header.expect("}")
    guard missing.isEmpty, header.remaining == 0 else {
      throw header.failure("expected only the three keys descr, fortran_order and shape")
    }
  }
}

extension ScalarType {
  /// numpy's name of the type, or nil for bfloat16.
  fileprivate var npyDescriptor: String? {
    switch self {
    case .float64: "<f8"
    case .float32: "<f4"
    case .float16: "<f2"
    case .bfloat16: nil
    case .int64: "<i8"
    case .int32: "<i4"
    case .int16: "<i2"
    case .int8: "|i1"
    case .uint64: "<u8"
    case .uint32: "<u4"
    case .uint16: "<u2"
    case .uint8: "|u1"
    case .bool: "|b1"
    }
  }

  /// Creates the type with that name, in either byte order.
  init?(npyDescriptor: String) {
    let littleEndian =
      npyDescriptor.hasPrefix(">") ? "<" + npyDescriptor.dropFirst() : npyDescriptor
    guard let type = ScalarType.allCases.first(where: { $0.npyDescriptor == littleEndian }) else {
      return nil
    }
    self = type
  }
}

/// Python literals.
extension ByteReader {
  /// Reads a string in single quotes without escapes.
  fileprivate mutating func quoted() throws(Failure) -> String {
    guard skip("'") else { throw failure("expected a string") }
    let text = bytes { $0 != UInt8(ascii: "'") }
    guard skip("'") else { throw failure("a string does not end") }
    return String(decoding: text, as: UTF8.self)
  }

  /// Reads a tuple of non-negative integers. A single element requires a comma: `(3)` is not a
  /// tuple.
  fileprivate mutating func tuple() throws(Failure) -> [Int] {
    var elements: [Int] = []
    try expect("(")
    while !nextIs(")") {
      elements.append(try decimal())
      skipSpaces()
      guard skip(",") || elements.count > 1 && nextIs(")") else {
        throw failure("expected a tuple of integers")
      }
    }
    try expect(")")
    return elements
  }
}
