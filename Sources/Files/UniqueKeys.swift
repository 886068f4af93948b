/// Makes sure that no object of a JSON text has a key twice.
///
/// `JSONDecoder` takes one of the two values and says nothing, so that it may read a number that a
/// person does not see. Keys that differ only in case, in underscores, or in Unicode normalisation
/// count as the same: decoders take `higherIsBetter` for `higher_is_better`, and Swift's strings are
/// equal whatever their normalisation. Numbers and literals are left to the decoder.
///
/// - Parameters:
///   - bytes: UTF-8. Decoders also read other encodings, which are refused here.
///   - exactly: Whether only keys of the same characters are the same: where keys are paths, say.
/// - Throws: `DecodingError.dataCorrupted` with the place, also where the nesting is too deep, or where
///   the text is not made of objects, arrays, strings and words as JSON has them.
package func checkUniqueKeys(_ bytes: [UInt8], exactly: Bool = false) throws {
  var scanner = KeyScanner(bytes: bytes, isExact: exactly)
  try scanner.scan()
}

/// Walks through JSON without recursion.
private struct KeyScanner {
  /// As deep as `JSONDecoder` goes.
  static let maximumDepth = 512

  /// An object, or an array, in which the scanner is.
  struct Container {
    let isObject: Bool
    /// The keys so far, as they are compared.
    var keys: Set<String> = []
    /// The last key, as it is written.
    var key = ""
  }

  /// A key of the path in an error.
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

  /// Goes into containers, as far as a value begins with them, and over the first leaf or up to the end
  /// of an empty container.
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

  /// Ends the containers that end here, up to one that goes on, and stands before its next element.
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
      throw failure("the key '\(escaped(key))' stands there twice")
    }
    containers[last].key = key
    skipSpaces()
    guard skip(":") else { throw failure("':' is expected") }
  }

  /// Goes over a string that has begun.
  private mutating func string() throws -> Range<Int> {
    let start = position
    while let byte = next {
      position += 1
      if byte == UInt8(ascii: "\"") { return start..<position - 1 }
      if byte == UInt8(ascii: "\\") { position += 1 }
    }
    throw failure("a string does not end")
  }

  /// The text of a string, with what its escapes stand for.
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

  /// Four hexadecimal digits.
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

  /// Whether numbers, `true`, `false` and `null` may have the byte.
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
