import Files
import Foundation

/// Any JSON value, for keeping and comparing what this module does not interpret.
package enum JSONValue: Codable, Equatable, Sendable {
  case null
  case boolean(Bool)
  case integer(Int64)
  /// A number that exceeds the signed range, such as a seed.
  case natural(UInt64)
  case number(Double)
  case text(String)
  case array([JSONValue])
  case object([String: JSONValue])

  /// Creates a number, as an integer if it is one.
  package init(_ number: Double) {
    self = Int64(exactly: number).map(JSONValue.integer) ?? .number(number)
  }

  /// Reads any JSON value.
  ///
  /// - Throws: `DecodingError` if there is no JSON value.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .boolean(value)
    } else if let value = try? container.decode(Int64.self) {
      self = .integer(value)
    } else if let value = try? container.decode(UInt64.self) {
      self = .natural(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .text(value)
    } else if let value = try? container.decode([JSONValue].self) {
      self = .array(value)
    } else {
      self = .object(try container.decode([String: JSONValue].self))
    }
  }

  /// Creates the JSON value that `value` is encoded as, with snake_case keys.
  ///
  /// - Throws: `EncodingError` if a number is not finite.
  package init(of value: some Encodable) throws {
    self = try JSONDecoder().decode(JSONValue.self, from: compactJSON(value))
  }

  /// Writes the value.
  ///
  /// - Throws: `EncodingError` if a number is not finite.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .boolean(let value): try container.encode(value)
    case .integer(let value): try container.encode(value)
    case .natural(let value): try container.encode(value)
    case .number(let value): try container.encode(value)
    case .text(let value): try container.encode(value)
    case .array(let values): try container.encode(values)
    case .object(let values): try container.encode(values)
    }
  }

  /// Accesses the value of a key; nil if it is absent or null.
  package subscript(key: String) -> JSONValue? {
    guard case .object(let values) = self, let value = values[key], value != .null else {
      return nil
    }
    return value
  }

  /// The members of an object, sorted by name; empty for other values.
  package var members: [(key: String, value: JSONValue)] {
    guard case .object(let values) = self else { return [] }
    return values.sorted { $0.key < $1.key }
  }

  /// Returns the values that are not objects, arrays or null, with the keys that lead to them,
  /// separated by dots.
  package func leaves(below path: String = "") -> [(path: String, value: JSONValue)] {
    func inner(_ key: String, _ value: JSONValue) -> [(path: String, value: JSONValue)] {
      value.leaves(below: path.isEmpty ? key : "\(path).\(key)")
    }
    return switch self {
    case .null: []
    case .object(let values): values.flatMap(inner)
    case .array(let values): values.enumerated().flatMap { inner(String($0), $1) }
    default: [(path, self)]
    }
  }

  /// Returns the location of a key or of an element that has a value here and that `known` lacks;
  /// nil if there is none.
  func firstKey(missingIn known: JSONValue, below path: String = "") -> String? {
    switch (self, known) {
    case (.object(let values), .object(let others)):
      for (key, value) in values.sorted(by: { $0.key < $1.key }) where value != .null {
        let place = path.isEmpty ? key : "\(path).\(key)"
        guard let other = others[key] else { return place }
        if let found = value.firstKey(missingIn: other, below: place) { return found }
      }
    case (.array(let values), .array(let others)):
      for (index, (value, other)) in zip(values, others).enumerated() {
        if let found = value.firstKey(missingIn: other, below: "\(path).\(index)") { return found }
      }
      if values.count > others.count { return "\(path).\(others.count)" }
    default: break
    }
    return nil
  }

  /// The value as shown to users; "…" if it is null, an array or an object.
  package var shown: String {
    switch self {
    case .boolean(let value): "\(value)"
    case .integer(let value): "\(value)"
    case .natural(let value): "\(value)"
    case .number(let value): "\(value)"
    case .text(let value): value
    case .null, .array, .object: "…"
    }
  }
}
