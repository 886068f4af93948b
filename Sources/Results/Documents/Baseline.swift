import Files
import Foundation
import Results

/// A baseline kept in a repository: a result's metrics and provenance as they are, with who replaced
/// what and why.
public struct Baseline: Sendable {
  /// Name and version of the form.
  static let schema = "dis-eval-baseline/1"

  /// How the baseline came to be.
  public struct Update: Sendable {
    /// Why it was made, in a person's words.
    public var reason: String
    /// Day and time in UTC, ISO 8601.
    public var date: String
    /// The commit that was checked out, nil when nobody said.
    public var commit: String?
    /// What the gate said against the baseline that it replaces.
    public var verdict: Verdict?

    /// Makes the record.
    public init(reason: String, date: String, commit: String?, verdict: Verdict?) {
      self.reason = reason
      self.date = date
      self.commit = commit
      self.verdict = verdict
    }
  }

  private let tree: JSONValue

  /// Makes a baseline of a result.
  public init(_ result: ScoredResult, update: Update) {
    var record: [String: JSONValue] = ["reason": .text(update.reason), "date": .text(update.date)]
    record["commit"] = update.commit.map(JSONValue.text)
    record["verdict"] = update.verdict.map { .text($0.rawValue) }
    var document: [String: JSONValue] = ["schema": .text(Self.schema), "update": .object(record)]
    for key in ["metrics", "provenance", "samples_sha256"] { document[key] = result.tree[key] }
    tree = .object(document)
  }

  /// The document, sorted and indented, with a final newline.
  public func json() throws -> [UInt8] { try encodedJSON(tree) }
}
