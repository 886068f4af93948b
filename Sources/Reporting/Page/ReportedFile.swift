import Files
import Foundation
import Results

/// A JSON document that a report shows, as it stands in the file.
enum ReportedFile {
  /// Bytes that a document may have.
  static let largest = 1 << 24

  /// Reads the document at `path`.
  ///
  /// - Throws: ``Failure`` `ReportInput` (65) when it is too large, no JSON object, or of another
  ///   schema; that of reading.
  static func document(_ path: String, schema: String) throws(Failure) -> JSONValue {
    let document = try json(try bytes(path, limit: largest), path)
    try check(document, schema, path)
    return document
  }

  /// Reads a document on every line that is not empty.
  static func lines(_ path: String, schema: String) throws(Failure) -> [JSONValue] {
    var documents: [JSONValue] = []
    let lines = try bytes(path, limit: 4 * largest).split(
      separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (number, line) in lines.enumerated() where !line.isEmpty {
      let subject = "\(path): line \(number + 1)"
      let document = try json(Array(line), subject)
      try check(document, schema, subject)
      documents.append(document)
    }
    return documents
  }

  /// Reads at most `limit` bytes: a file with more is refused.
  static func bytes(_ path: String, limit: Int) throws(Failure) -> [UInt8] {
    let file = try ReadableFile(path: path)
    guard file.size <= limit else {
      throw refusal(path, "\(file.size) bytes are more than the \(limit) that are read")
    }
    return try file.bytes(at: 0, count: file.size)
  }

  static func refusal(_ subject: String, _ detail: String) -> Failure {
    Failure(.dataRefused, "ReportInput", subject, detail)
  }

  private static func json(_ bytes: [UInt8], _ subject: String) throws(Failure) -> JSONValue {
    do {
      try checkUniqueKeys(bytes)
      return try JSONDecoder().decode(JSONValue.self, from: Data(bytes))
    } catch DecodingError.dataCorrupted(let context) {
      let place = context.codingPath.map(\.stringValue).joined(separator: ".")
      throw refusal(
        subject,
        "is not a JSON document: \(place.isEmpty ? "" : place + ": ")\(context.debugDescription)")
    } catch {
      throw refusal(subject, "is not a JSON document")
    }
  }

  private static func check(
    _ document: JSONValue, _ schema: String, _ subject: String
  ) throws(Failure) {
    let found = document["schema"]?.text
    guard found == schema else {
      throw refusal(subject, "schema: found '\(found ?? "none")', expected '\(schema)'")
    }
  }
}

extension JSONValue {
  /// The text, nil for anything else.
  var text: String? { if case .text(let text) = self { text } else { nil } }

  /// The finite number, nil for anything else.
  var double: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .natural(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }

  /// The values of an object by their names in alphabetical order, none for anything else.
  var entries: [(key: String, value: JSONValue)] {
    guard case .object(let values) = self else { return [] }
    return values.sorted { $0.key < $1.key }
  }

  /// The values of an array, none for anything else.
  var elements: [JSONValue] { if case .array(let values) = self { values } else { [] } }
}
