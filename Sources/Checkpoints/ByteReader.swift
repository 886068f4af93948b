import Files

extension Failure {
  /// Returns a failure for refused input data. The detail may quote the file, so its length is
  /// bounded.
  static func refused(_ code: Failure.Code, _ subject: String, _ detail: String) -> Failure {
    Failure(.dataRefused, code, subject, String(detail.prefix(8000)))
  }
}

/// A cursor over untrusted bytes. Every read first checks how many bytes remain.
struct ByteReader {
  private let bytes: [UInt8]
  private let subject: String
  private let code: Failure.Code
  private(set) var position: Int

  /// Creates a cursor over `bytes`.
  ///
  /// - Parameters:
  ///   - bytes: The bytes to read.
  ///   - position: The offset at which to start.
  ///   - subject: The name of the bytes, for messages.
  ///   - code: The code of the failures thrown for them.
  init(_ bytes: [UInt8], at position: Int = 0, subject: String, code: Failure.Code) {
    self.bytes = bytes
    self.position = position
    self.subject = subject
    self.code = code
  }

  var remaining: Int { bytes.count - position }

  /// Returns the failure for what was found before the cursor.
  func failure(_ detail: String, code: Failure.Code? = nil) -> Failure {
    .refused(code ?? self.code, subject, "\(detail), before offset \(position)")
  }

  mutating func bytes(_ count: Int) throws(Failure) -> ArraySlice<UInt8> {
    guard count >= 0, count <= remaining else {
      throw failure("expected \(count) more bytes, \(remaining) follow")
    }
    defer { position += count }
    return bytes[position..<position + count]
  }

  /// Reads a little-endian integer.
  mutating func integer<Value: FixedWidthInteger>(_: Value.Type) throws(Failure) -> Value {
    let raw = try bytes(MemoryLayout<Value>.size)
    return raw.withUnsafeBytes { Value(littleEndian: $0.loadUnaligned(as: Value.self)) }
  }

  /// Reads the longest run of bytes that satisfy `predicate`.
  mutating func bytes(while predicate: (UInt8) -> Bool) -> ArraySlice<UInt8> {
    let run = bytes[position...].prefix(while: predicate)
    position = run.endIndex
    return run
  }

  /// Skips `literal` if it comes next, and returns whether it did.
  mutating func skip(_ literal: StaticString) -> Bool {
    let count = literal.utf8CodeUnitCount
    guard count <= remaining,
      literal.withUTF8Buffer({ $0.elementsEqual(bytes[position..<position + count]) })
    else { return false }
    position += count
    return true
  }

  mutating func move(to position: Int) { self.position = position }
}

/// Text formats.
extension ByteReader {
  /// Skips white space and returns whether `literal` comes next.
  mutating func nextIs(_ literal: StaticString) -> Bool {
    skipSpaces()
    var ahead = self
    return ahead.skip(literal)
  }

  /// Skips `literal` and the white space around it.
  mutating func expect(_ literal: StaticString) throws(Failure) {
    skipSpaces()
    guard skip(literal) else { throw failure("expected '\(literal)'") }
    skipSpaces()
  }

  /// Skips what is white space in JSON. In Python, and so in an `.npy` header, it is as well.
  mutating func skipSpaces() {
    _ = bytes { [0x20, 0x09, 0x0A, 0x0D].contains($0) }
  }

  /// Reads a non-negative integer without leading zeros.
  mutating func decimal() throws(Failure) -> Int {
    let digits = bytes { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    guard digits.count == 1 || digits.first != UInt8(ascii: "0"),
      let value = Int(String(decoding: digits, as: UTF8.self))
    else { throw failure("expected a decimal integer") }
    return value
  }
}
