import Files
import Foundation

/// `value` as sorted, indented JSON with snake_case keys and a final newline.
package func encodedJSON(_ value: some Encodable) throws -> [UInt8] {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  encoder.keyEncodingStrategy = .convertToSnakeCase
  return Array(try encoder.encode(value)) + [UInt8(ascii: "\n")]
}

/// `value` as sorted JSON with snake_case keys in one line, without a newline.
package func compactJSON(_ value: some Encodable) throws -> Data {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  encoder.keyEncodingStrategy = .convertToSnakeCase
  return try encoder.encode(value)
}

/// A document with snake_case keys.
///
/// - Throws: `Failure` `code` with the key at fault.
package func decodedJSON<Value: Decodable>(
  _ data: Data, subject: String, what: String, code: String = "StatsInvalid"
) throws -> Value {
  let decoder = JSONDecoder()
  decoder.keyDecodingStrategy = .convertFromSnakeCase
  do {
    try checkUniqueKeys(Array(data))
    return try decoder.decode(Value.self, from: data)
  } catch let error as DecodingError {
    let (context, key): (DecodingError.Context, String?) =
      switch error {
      case .keyNotFound(let key, let context): (context, key.stringValue)
      case .typeMismatch(_, let context), .valueNotFound(_, let context),
        .dataCorrupted(let context):
        (context, nil)
      @unknown default: (.init(codingPath: [], debugDescription: "\(error)"), nil)
      }
    let place = (context.codingPath.map(\.stringValue) + [key].compactMap(\.self))
      .joined(separator: ".")
    throw Failure(
      .dataRefused, code, subject,
      "is no \(what): \(place.isEmpty ? "" : "'\(place)': ")\(context.debugDescription)")
  }
}
