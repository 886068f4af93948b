import Files

extension Failure {
  /// Input data that are refused.
  static func refused(_ code: String, _ subject: String, _ detail: String) -> Failure {
    Failure(.dataRefused, code, subject, detail)
  }
}

/// A cursor over untrusted bytes. Every read checks what remains first.
struct ByteReader {
  private let bytes: [UInt8]
  private let subject: String
  private let code: String
  private(set) var position: Int

  /// - Parameters:
  ///   - subject: What the bytes are, for messages.
  ///   - code: The failure code of everything that is wrong with them.
  init(_ bytes: [UInt8], at position: Int = 0, subject: String, code: String) {
    self.bytes = bytes
    self.position = position
    self.subject = subject
    self.code = code
  }

  var remaining: Int { bytes.count - position }

  /// The failure to throw for what was found before the cursor.
  func failure(_ detail: String) -> Failure {
    .refused(code, subject, "\(detail), before offset \(position)")
  }

  mutating func bytes(_ count: Int) throws(Failure) -> ArraySlice<UInt8> {
    guard count >= 0, count <= remaining else {
      throw failure("\(count) bytes are announced, \(remaining) follow")
    }
    defer { position += count }
    return bytes[position..<position + count]
  }

  /// A little-endian integer.
  mutating func integer<Value: FixedWidthInteger>(_: Value.Type) throws(Failure) -> Value {
    let raw = try bytes(MemoryLayout<Value>.size)
    return raw.withUnsafeBytes { Value(littleEndian: $0.loadUnaligned(as: Value.self)) }
  }

  /// The bytes up to the next newline, which is skipped.
  mutating func line() throws(Failure) -> ArraySlice<UInt8> {
    guard let end = bytes[position...].firstIndex(of: UInt8(ascii: "\n")) else {
      throw failure("a line does not end")
    }
    defer { position = end + 1 }
    return bytes[position..<end]
  }

  mutating func move(to position: Int) { self.position = position }

  /// The next byte, without moving.
  var next: UInt8? { remaining > 0 ? bytes[position] : nil }

  /// Skips `literal` if it comes next.
  mutating func skip(_ literal: StaticString) -> Bool {
    let count = literal.utf8CodeUnitCount
    guard count <= remaining,
      literal.withUTF8Buffer({ $0.elementsEqual(bytes[position..<position + count]) })
    else { return false }
    position += count
    return true
  }
}
