import Foundation

/// A value that two documents do not share.
public struct DocumentDifference: Codable, Equatable, Sendable {
  /// Its place, with dots.
  public var field: String
  /// Its value in the first document, nil when it is not there.
  public var first: String?
  /// Its value in the second.
  public var second: String?
}

/// Every value that differs between two documents, by place.
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
