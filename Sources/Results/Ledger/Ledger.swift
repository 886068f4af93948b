import Files
import Foundation

/// Evaluations, a line of JSON each, in an order that depends on nothing but the lines: two ledgers
/// that grew apart are merged by putting their lines together, as git's `merge=union` does.
///
/// A line that is not changed is written as it was read, with the keys that this version does not
/// know.
public struct Ledger: Sendable {
  private struct Line {
    let entry: LedgerEntry
    let text: String
  }
  private var lines: [String: Line] = [:]

  /// The most bytes of a ledger: a hundred thousand evaluations.
  static let maximumSize = 256 << 20

  /// One without evaluations.
  public init() {}

  /// The evaluations, by family, name and key.
  public var entries: [LedgerEntry] { sorted.map(\.entry) }

  private var sorted: [Line] {
    func order(_ line: Line) -> (String, String, String) {
      (line.entry.family ?? "", line.entry.name, line.entry.key)
    }
    return lines.values.sorted { order($0) < order($1) }
  }

  /// The evaluation of that key.
  public subscript(key: String) -> LedgerEntry? { lines[key]?.entry }

  /// Reads a ledger. Of two lines of one key the later evaluation counts.
  ///
  /// - Throws: `Failure` `LedgerInvalid` or `LedgerConflict` with the number of the line;
  ///   `NotFound`.
  public init(path: String) throws {
    try self.init(Self.bytes(of: path), subject: path)
  }

  /// The content of a ledger's file.
  ///
  /// - Throws: `Failure` `LedgerInvalid` (65) when it is too large, or why it cannot be read.
  package static func bytes(of path: String) throws(Failure) -> [UInt8] {
    let file = try ReadableFile(path: path)
    guard file.size <= maximumSize else {
      throw Failure(
        .dataRefused, .ledgerInvalid, path,
        "\(file.size) bytes, at most \(maximumSize) are read")
    }
    return try file.bytes(at: 0, count: file.size)
  }

  /// Reads lines of JSON.
  package init(_ bytes: [UInt8], subject: String) throws {
    for (index, line) in bytes.split(separator: 10, omittingEmptySubsequences: false).enumerated() {
      let place = "\(subject):\(index + 1)"
      let bytes = line.last == 13 ? line.dropLast() : line
      guard bytes.contains(where: { $0 != 32 }) else { continue }
      for marker in ["<<<<<<<", "=======", ">>>>>>>", "|||||||"]
      where bytes.starts(with: marker.utf8) {
        throw Failure(
          .dataRefused, .ledgerConflict, place,
          "a conflict of git; keep the lines of both sides and remove the marks, or have git do it "
            + "with 'ledger.jsonl merge=union' in .gitattributes")
      }
      let entry: LedgerEntry = try decodedJSON(
        Data(bytes), subject: place, what: "line of a ledger", code: .ledgerInvalid)
      guard entry.schema == LedgerEntry.currentSchema else {
        throw Failure(
          .dataRefused, .ledgerInvalid, place,
          "schema '\(entry.schema)', this version reads \(LedgerEntry.currentSchema)")
      }
      merge(Line(entry: entry, text: String(decoding: bytes, as: UTF8.self)))
    }
  }

  private mutating func merge(_ line: Line) {
    if let old = lines[line.entry.key], (old.entry.date ?? "") >= (line.entry.date ?? "") { return }
    lines[line.entry.key] = line
  }

  /// Takes the evaluations of `other` too.
  public mutating func merge(_ other: Ledger) { for line in other.lines.values { merge(line) } }

  /// Adds an evaluation, or replaces that of its key.
  public mutating func set(_ entry: LedgerEntry) throws {
    if lines[entry.key]?.entry == entry { return }
    lines[entry.key] = Line(
      entry: entry, text: String(decoding: try compactJSON(entry), as: UTF8.self))
  }

  /// The file's content.
  public var bytes: [UInt8] { sorted.flatMap { Array($0.text.utf8) + [10] } }
}
