import Files

/// The header of a safetensors file: JSON between an 8-byte length and the data.
///
/// A JSON library would merge duplicate keys and keys that differ only in Unicode normalisation,
/// and accept `1.0` as an integer. This parser accepts only the few structures of the format.
struct SafetensorsHeader {
  private(set) var tensors: [StateDict.Entry] = []
  private(set) var metadata: [(String, String)] = []

  static let maximumLength = 100_000_000
  /// The largest number of tensors in a file, or of elements of any other list.
  static let maximumElementCount = 100_000
  static let maximumNameLength = 1024

  /// Returns whether a file of `fileSize` bytes that begins with `head` claims to be of this
  /// format.
  static func isPlausible(_ head: [UInt8], fileSize: Int) -> Bool {
    guard head.count >= 9 else { return false }
    let length = head[..<8].reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
    return head[8] == UInt8(ascii: "{") || length > 0 && length <= fileSize - 8
  }

  /// Reads and checks the header. The tensors must cover the data without gaps or overlaps.
  ///
  /// - Parameters:
  ///   - file: The file.
  ///   - number: The index of the file among those of a sharded checkpoint.
  init(of file: ReadableFile, number: Int = 0) throws(Failure) {
    var prefix = ByteReader(
      try file.bytes(at: 0, count: min(8, file.size)), subject: file.path,
      code: .safetensorsMalformed)
    let length = try prefix.integer(UInt64.self)
    guard length <= Self.maximumLength else {
      throw prefix.failure("a header of \(length) bytes", code: .safetensorsLimit)
    }
    guard length <= file.size - 8 else {
      throw prefix.failure("the header of \(length) bytes is longer than the file")
    }
    let dataOffset = 8 + Int(length)
    let text = try file.bytes(at: 8, count: Int(length))
    guard text.first == UInt8(ascii: "{") else { throw prefix.failure("expected '{'") }
    var reader = ByteReader(text, subject: file.path, code: .safetensorsMalformed)

    var keys: Set<[UInt8]> = []
    var covered: [Range<Int>] = []
    try reader.list("{", "}") { (reader) throws(Failure) in
      let name = try reader.string()
      guard keys.insert(Array(name.utf8)).inserted else {
        throw reader.failure("key '\(name)' occurs twice", code: .duplicateKey)
      }
      try reader.expect(":")
      if name == "__metadata__" {
        metadata = try reader.metadata()
      } else {
        let (tensor, range) = try reader.tensor(name, dataOffset: dataOffset, file: number)
        tensors.append((name, .success(tensor)))
        covered.append(range)
      }
    }
    guard reader.remaining == 0 else { throw reader.failure("something follows the header") }

    var end = dataOffset
    for range in covered.sorted(by: {
      ($0.lowerBound, $0.upperBound) < ($1.lowerBound, $1.upperBound)
    }) {
      guard range.lowerBound == end else {
        throw reader.failure(
          "tensors leave a gap or overlap at byte \(end - dataOffset) of the data")
      }
      end = range.upperBound
    }
    guard end == file.size else {
      throw reader.failure("\(end - dataOffset) bytes of data, found \(file.size - dataOffset)")
    }
  }
}

/// The subset of JSON used by the format.
extension ByteReader {
  /// Reads `{"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}`.
  fileprivate mutating func tensor(
    _ name: String, dataOffset: Int, file: Int
  ) throws(Failure) -> (StoredTensor, Range<Int>) {
    guard name.utf8.count <= SafetensorsHeader.maximumNameLength, !name.utf8.contains(0) else {
      throw failure("a name with NUL or of \(name.utf8.count) bytes")
    }
    var type: ScalarType?
    var shape: [Int]?
    var offsets: [Int]?
    try list("{", "}") { (reader) throws(Failure) in
      let field = try reader.string()
      try reader.expect(":")
      switch field {
      case "dtype" where type == nil:
        let typeName = try reader.string()
        type = ScalarType(safetensorsName: typeName)
        guard type != nil else {
          throw reader.failure("'\(name)' of type '\(typeName)'", code: .dtypeUnsupported)
        }
      case "shape" where shape == nil: shape = try reader.integers()
      case "data_offsets" where offsets == nil: offsets = try reader.integers()
      default: throw reader.failure("field '\(field)' of '\(name)'")
      }
    }
    guard let type, let shape, let offsets, offsets.count == 2, offsets[0] <= offsets[1],
      let count = elementCount(shape), count * type.size == offsets[1] - offsets[0],
      offsets[1] <= Int.max - dataOffset
    else { throw failure("'\(name)' does not have a type, shape and offsets that agree") }
    let range = dataOffset + offsets[0]..<dataOffset + offsets[1]
    return (StoredTensor(type: type, shape: shape, storage: .range(range, file: file)), range)
  }

  fileprivate mutating func metadata() throws(Failure) -> [(String, String)] {
    var metadata: [(String, String)] = []
    var keys: Set<[UInt8]> = []
    try list("{", "}") { (reader) throws(Failure) in
      let key = try reader.string()
      guard keys.insert(Array(key.utf8)).inserted else {
        throw reader.failure("metadata '\(key)' occurs twice", code: .duplicateKey)
      }
      try reader.expect(":")
      metadata.append((key, try reader.string()))
    }
    return metadata
  }

  fileprivate mutating func integers() throws(Failure) -> [Int] {
    var integers: [Int] = []
    try list("[", "]") { (reader) throws(Failure) in integers.append(try reader.decimal()) }
    return integers
  }

  /// Reads an object or array. `element` reads one of the comma-separated elements.
  fileprivate mutating func list(
    _ open: StaticString, _ close: StaticString,
    _ element: (inout ByteReader) throws(Failure) -> Void
  ) throws(Failure) {
    try expect(open)
    if !nextIs(close) {
      var count = 0
      repeat {
        count += 1
        guard count <= SafetensorsHeader.maximumElementCount else {
          throw failure("more than \(count - 1) elements", code: .safetensorsLimit)
        }
        skipSpaces()
        try element(&self)
        skipSpaces()
      } while skip(",")
    }
    try expect(close)
  }

  fileprivate mutating func string() throws(Failure) -> String {
    guard skip("\"") else { throw failure("expected a string") }
    var text: [UInt8] = []
    while true {
      text += bytes { $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
      if skip("\"") { break }
      guard skip("\\") else { throw failure("a string does not end, or holds a control character") }
      text += Array(String(try escape()).utf8)
    }
    guard let string = String(validating: text, as: UTF8.self) else {
      throw failure("a string that is not UTF-8")
    }
    return string
  }

  /// Reads the part of an escape after the backslash.
  private mutating func escape() throws(Failure) -> Unicode.Scalar {
    switch UnicodeScalar(try integer(UInt8.self)) {
    case "\"": return "\""
    case "\\": return "\\"
    case "/": return "/"
    case "b": return "\u{8}"
    case "f": return "\u{C}"
    case "n": return "\n"
    case "r": return "\r"
    case "t": return "\t"
    case "u":
      var code = try hexadecimal()
      if code & 0xFC00 == 0xD800, skip("\\u") {
        let low = try hexadecimal()
        guard low & 0xFC00 == 0xDC00 else { throw failure("half a surrogate pair") }
        code = 0x10000 + (code & 0x3FF) << 10 + low & 0x3FF
      }
      guard let scalar = Unicode.Scalar(code) else { throw failure("half a surrogate pair") }
      return scalar
    default: throw failure("an unknown escape")
    }
  }

  private mutating func hexadecimal() throws(Failure) -> UInt32 {
    let digits = try bytes(4)
    guard digits.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }),
      let code = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
    else { throw failure("expected four hexadecimal digits") }
    return code
  }
}

extension ScalarType {
  /// The name of the type in the format.
  var safetensorsName: String {
    switch self {
    case .float64: "F64"
    case .float32: "F32"
    case .float16: "F16"
    case .bfloat16: "BF16"
    case .int64: "I64"
    case .int32: "I32"
    case .int16: "I16"
    case .int8: "I8"
    case .uint64: "U64"
    case .uint32: "U32"
    case .uint16: "U16"
    case .uint8: "U8"
    case .bool: "BOOL"
    }
  }

  fileprivate init?(safetensorsName name: String) {
    guard let type = Self.allCases.first(where: { $0.safetensorsName == name }) else { return nil }
    self = type
  }
}
