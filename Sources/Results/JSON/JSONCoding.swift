import Files
import Foundation

/// Returns `value` as sorted, indented JSON with a final newline.
///
/// - Parameter keys: How the names of properties become keys: in snake_case, unless a format
///   prescribes something else.
/// - Throws: `EncodingError` if a number is not finite.
package func encodedJSON(
  _ value: some Encodable, keys: JSONEncoder.KeyEncodingStrategy = .convertToSnakeCase
) throws -> [UInt8] {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  encoder.keyEncodingStrategy = keys
  return Array(try encoder.encode(value)) + [UInt8(ascii: "\n")]
}

/// Returns `value` as sorted JSON with snake_case keys on one line, without a newline.
///
/// - Throws: `EncodingError` if a number is not finite.
package func compactJSON(_ value: some Encodable) throws -> Data {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  encoder.keyEncodingStrategy = .convertToSnakeCase
  return try encoder.encode(value)
}

/// Decodes a document with snake_case keys.
///
/// - Parameters:
///   - data: The document, in UTF-8.
///   - subject: The name of the file, for messages.
///   - what: The kind of document, for messages, such as "lock".
///   - status: The exit status of the process if the document is refused.
///   - code: The code of the failure.
/// - Throws: `Failure` `code` with `status`, naming the key, if the document repeats a key or is
///   not a `Value`.
package func decodedJSON<Value: Decodable>(
  _ data: Data, subject: String, what: String, status: ExitStatus = .dataRefused, code: Failure.Code
) throws(Failure) -> Value {
  let decoder = JSONDecoder()
  decoder.keyDecodingStrategy = .convertFromSnakeCase
  do {
    guard !data.starts(with: [0xEF, 0xBB, 0xBF]) else {
      throw Failure(
        status, code, subject, "begins with a byte order mark; save it as UTF-8 without one")
    }
    try checkUniqueKeys(Array(data))
    return try decoder.decode(Value.self, from: data)
  } catch let failure as Failure {
    throw failure
  } catch {
    throw Failure(status, code, subject, "is not a \(what): \(decodingProblem(error))")
  }
}

/// Decodes a document of this tool, in which every key must be known to this version.
///
/// - Parameters:
///   - data: The document, in UTF-8.
///   - subject: The name of the file, for messages.
///   - what: The kind of document, for messages, such as "result".
///   - status: The exit status of the process if the document is refused.
///   - code: The code of the failure.
/// - Throws: `Failure` `code` with `status`, naming the key, if the document repeats a key, has an
///   unknown one or is not a `Value`.
package func decodedDocument<Value: Codable>(
  _ data: Data, subject: String, what: String, status: ExitStatus = .dataRefused, code: Failure.Code
) throws(Failure) -> Value {
  let value: Value = try decodedJSON(
    data, subject: subject, what: what, status: status, code: code)
  do {
    let found = try JSONDecoder().decode(JSONValue.self, from: data)
    if let key = try found.firstKey(missingIn: JSONValue(of: value)) {
      throw Failure(
        status, code, subject,
        "'\(key)' is not a key of a \(what) that this version of dis-eval reads; remove it, or use the version that "
          + "wrote the file")
    }
  } catch let failure as Failure {
    throw failure
  } catch {
    throw Failure(status, code, subject, "is not a \(what): \(decodingProblem(error))")
  }
  return value
}

/// Returns the location of a decoding error in the document, and its description.
private func decodingProblem(_ error: any Error) -> String {
  func located(_ problem: String, _ context: DecodingError.Context, _ key: String? = nil) -> String
  {
    let path = context.codingPath.map(\.stringValue) + [key].compactMap(\.self)
    return (path.isEmpty ? "" : "'\(path.map(asWritten).joined(separator: "."))': ") + problem
  }
  switch error {
  case DecodingError.keyNotFound(let missing, let context):
    return located("is missing", context, missing.stringValue)
  case DecodingError.typeMismatch(let type, let context),
    DecodingError.valueNotFound(let type, let context):
    return located("expected \(name(of: type))", context)
  case DecodingError.dataCorrupted(let context):
    // Swift's own decoders begin so; every other text is one of ours.
    let isSwifts = ["Cannot initialize", "Number ", "Parsed JSON number", "The given data"]
      .contains { context.debugDescription.hasPrefix($0) }
    return located(
      isSwifts ? "a value that is not possible here" : context.debugDescription, context)
  default: return "\(error)"
  }
}

/// Returns the key of a document for the name of a property, such as `higher_is_better`, or the
/// position in a list.
private func asWritten(_ name: String) -> String {
  if let match = name.wholeMatch(of: /Index ([0-9]+)/) { return String(match.1) }
  return name.replacing(/([a-z0-9])([A-Z])/) { "\($0.1)_\($0.2.lowercased())" }
}

/// Returns what a value of that type is called in a message.
private func name(of type: any Any.Type) -> String {
  switch type {
  case is String.Type: "a text"
  case is Bool.Type: "true or false"
  case is Double.Type, is Float.Type: "a number"
  case is any BinaryInteger.Type: "a whole number"
  case is [Any].Type: "a list"
  default: "an object"
  }
}
