import Foundation

/// A value that differs between two documents.
public struct DocumentDifference: Codable, Equatable, Sendable {
  /// The location of the value, separated by dots.
  public var field: String
  /// The value in the first document; nil if absent.
  public var first: String?
  /// The value in the second document; nil if absent.
  public var second: String?
}

/// Returns every value that differs between two documents, sorted by location.
///
/// - Throws: `EncodingError` if a number is not finite.
package func documentDifferences(
  _ first: some Encodable, _ second: some Encodable
) throws -> [DocumentDifference] {
  func leaves(_ value: Any, _ path: String) -> [(String, String)] {
    switch value {
    case let object as [String: Any]:
      object.flatMap { leaves($0.value, path.isEmpty ? $0.key : "\(path).\($0.key)") }
    case let list as [Any]: [(path, "\(list.map { "\($0)" }.joined(separator: ","))")]
    default: [(path, "\(value)")]
    }
  }
  func table(_ document: some Encodable) throws -> [String: String] {
    let object = try JSONSerialization.jsonObject(with: Data(try encodedJSON(document)))
    return Dictionary(leaves(object, "")) { first, _ in first }
  }
  let (old, new) = (try table(first), try table(second))
  return Set(old.keys).union(new.keys).sorted().compactMap { key in
    old[key] == new[key]
      ? nil : DocumentDifference(field: key, first: old[key], second: new[key])
  }
}
