/// Checks that no object of a JSON text contains a key twice.
///
/// `JSONDecoder` silently takes one of the two values, so it may read a different number from the
/// one a person sees. Keys that differ only in case, underscores or Unicode normalisation count as
/// equal: decoders accept `higherIsBetter` for `higher_is_better`, and Swift compares strings by
/// canonical equivalence. Numbers and literals are left to the decoder.
///
/// - Parameters:
///   - bytes: The JSON text in UTF-8. Other encodings, which decoders accept, are refused.
///   - exactly: Whether only keys of the same characters count as equal, for example where keys are
///     paths.
/// - Throws: `DecodingError.dataCorrupted`, with the coding path, if a key occurs twice, the
///   nesting exceeds 512 levels, or the text does not consist of objects, arrays, strings and words
///   as in JSON.
package func checkUniqueKeys(_ bytes: [UInt8], exactly: Bool = false) throws {
  var scanner = KeyScanner(bytes: bytes, isExact: exactly)
  try scanner.scan()
}

/// Scans JSON without recursion.
private struct KeyScanner {
  /// The nesting limit of `JSONDecoder`.
  static let maximumDepth = 512

  /// An object or array that encloses the current position.
  struct Container {
    let isObject: Bool
    /// The keys so far, in the form in which they are compared.
    var keys: Set<String> = []
    /// The last key, as written.
    var key = ""
  }

  /// A key in the coding path of an error.
  struct Place: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  let bytes: [UInt8]
  let isExact: Bool
  var position = 0
  var containers: [Container] = []

  init(bytes: [UInt8], isExact: Bool) { (self.bytes, self.isExact) = (bytes, isExact) }

  mutating func scan() throws {
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    repeat {
      try value()
      try closeContainers()
    } while !containers.isEmpty
    guard position == bytes.count else { throw failure("something follows the JSON value") }
  }

  /// Enters the containers at the current position and skips the first leaf, or stops at the end of
  /// an empty container.
  private mutating func value() throws {
    skipSpaces()
    while skip("{") || skip("[") {
      let isObject = bytes[position - 1] == UInt8(ascii: "{")
      guard containers.count < Self.maximumDepth else { throw failure("nested too deeply") }
      containers.append(Container(isObject: isObject))
      skipSpaces()
      guard next != UInt8(ascii: "}"), next != UInt8(ascii: "]") else { return }
      if isObject { try key() }
      skipSpaces()
    }
    if skip("\"") {
      _ = try string()
    } else {
      let start = position
      while let byte = next, Self.isOfWord(byte) { position += 1 }
      guard position > start else { throw failure("a value is expected, in UTF-8") }
    }
  }

  /// Leaves the containers that end here, and stops before the next element of the first that
  /// continues.
  private mutating func closeContainers() throws {
    skipSpaces()
    while let container = containers.last {
      if skip(",") {
        if container.isObject { try key() }
        return
      }
      guard skip(container.isObject ? "}" : "]") else {
        throw failure(
          "',' or the end of \(container.isObject ? "an object" : "an array") is expected")
      }
      containers.removeLast()
      skipSpaces()
    }
  }

  private mutating func key() throws {
    skipSpaces()
    guard skip("\"") else { throw failure("a key is expected") }
    let last = containers.count - 1
    containers[last].key = ""
    let key = try text(of: string())
    let compared = isExact ? key : key.lowercased().filter { $0 != "_" }
    guard containers[last].keys.insert(compared).inserted else {
      throw failure("the key '\(escaped(key))' occurs twice")
    }
    containers[last].key = key
    skipSpaces()
    guard skip(":") else { throw failure("':' is expected") }
  }

  /// Skips the rest of a string whose opening quote was read, and returns the range of its content.
  private mutating func string() throws -> Range<Int> {
    let start = position
    while let byte = next {
      position += 1
      if byte == UInt8(ascii: "\"") { return start..<position - 1 }
      if byte == UInt8(ascii: "\\") { position += 1 }
    }
    throw failure("a string does not end")
  }

  /// Returns the text of a string with its escapes resolved.
  private func text(of range: Range<Int>) throws -> String {
    var text: [UInt8] = []
    var rest = bytes[range]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "\\") else {
        text.append(byte)
        continue
      }
      switch rest.popFirst().map(UnicodeScalar.init) {
      case "b": text.append(0x08)
      case "f": text.append(0x0C)
      case "n": text.append(0x0A)
      case "r": text.append(0x0D)
      case "t": text.append(0x09)
      case "u":
        guard var code = Self.code(&rest) else {
          throw failure("an escape that JSON does not have")
        }
        if code & 0xFC00 == 0xD800, rest.starts(with: "\\u".utf8) {
          rest = rest.dropFirst(2)
          guard let low = Self.code(&rest), low & 0xFC00 == 0xDC00 else {
            throw failure("half a surrogate pair")
          }
          code = 0x10000 + (code & 0x3FF) << 10 + low & 0x3FF
        }
        guard let scalar = UnicodeScalar(code) else { throw failure("half a surrogate pair") }
        text += Array(String(scalar).utf8)
      case let other? where "\"\\/".unicodeScalars.contains(other):
        text.append(UInt8(ascii: other))
      default: throw failure("an escape that JSON does not have")
      }
    }
    guard let text = String(validating: text, as: UTF8.self) else {
      throw failure("a key that is not UTF-8")
    }
    return text
  }

  /// Reads four hexadecimal digits.
  private static func code(_ bytes: inout ArraySlice<UInt8>) -> UInt32? {
    let digits = bytes.prefix(4)
    bytes = bytes.dropFirst(4)
    guard digits.count == 4, digits.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }) else {
      return nil
    }
    return UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
  }

  // MARK: - Bytes

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skip(_ character: Unicode.Scalar) -> Bool {
    guard next == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func skipSpaces() {
    while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D {
      position += 1
    }
  }

  /// Returns whether the byte may occur in numbers, `true`, `false` and `null`.
  private static func isOfWord(_ byte: UInt8) -> Bool {
    switch UnicodeScalar(byte) {
    case "a"..."z", "A"..."Z", "0"..."9", "+", "-", ".": true
    default: false
    }
  }

  private func failure(_ what: String) -> DecodingError {
    let places = containers.map(\.key).filter { !$0.isEmpty }.map(Place.init(stringValue:))
    return .dataCorrupted(
      .init(
        codingPath: places, debugDescription: "\(what), before byte \(min(position, bytes.count))"))
  }
}
