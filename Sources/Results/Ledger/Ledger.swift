import Files
import Foundation

/// Evaluations, one line of JSON each, in an order that depends only on the lines: two diverged
/// ledgers are merged by concatenating them, as git's `merge=union` does.
///
/// An unchanged line is written as it was read, including keys unknown to this version.
public struct Ledger: Sendable {
  private struct Line {
    let entry: LedgerEntry
    let text: String
  }
  private var lines: [String: Line] = [:]

  /// The maximum size of a ledger in bytes, enough for a hundred thousand evaluations.
  static let maximumSize = 256 << 20

  /// Creates an empty ledger.
  public init() {}

  /// The evaluations, sorted by family, name and key.
  public var entries: [LedgerEntry] { sorted.map(\.entry) }

  private var sorted: [Line] {
    func order(_ line: Line) -> (String, String, String) {
      (line.entry.family ?? "", line.entry.name, line.entry.key)
    }
    return lines.values.sorted { order($0) < order($1) }
  }

  /// Accesses the evaluation with the given key.
  public subscript(key: String) -> LedgerEntry? { lines[key]?.entry }

  /// Reads a ledger. If two lines have the same key, the later evaluation is kept.
  ///
  /// - Throws: `Failure` `LedgerInvalid` (65) if the file is too large or, with the line number, a
  ///   line is not valid; `LedgerConflict` (65), with the line number, if there is a marker of a
  ///   merge conflict; or the error that opening or reading the file throws.
  public init(path: String) throws {
    try self.init(Self.bytes(of: path), subject: path)
  }

  /// Returns the contents of a ledger's file.
  ///
  /// - Throws: `Failure` `LedgerInvalid` (65) if the file is too large, or the error that opening
  ///   or reading the file throws.
  package static func bytes(of path: String) throws(Failure) -> [UInt8] {
    let file = try ReadableFile(path: path)
    guard file.size <= maximumSize else {
      throw Failure(
        .dataRefused, .ledgerInvalid, path,
        "\(file.size) bytes, at most \(maximumSize) are read")
    }
    return try file.bytes(at: 0, count: file.size)
  }

  /// Reads a ledger from its lines of JSON.
  ///
  /// - Parameters:
  ///   - bytes: The whole file, in UTF-8.
  ///   - subject: The file, for messages.
  /// - Throws: `Failure` with the line number: `LedgerInvalid` (65) if a line is not valid,
  ///   `LedgerConflict` (65) if it is a marker of a merge conflict.
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

  /// Adds the evaluations of `other`.
  public mutating func merge(_ other: Ledger) { for line in other.lines.values { merge(line) } }

  /// Adds an evaluation, or replaces the one with the same key.
  ///
  /// - Throws: `EncodingError` if a number is not finite.
  public mutating func set(_ entry: LedgerEntry) throws {
    if lines[entry.key]?.entry == entry { return }
    lines[entry.key] = Line(
      entry: entry, text: String(decoding: try compactJSON(entry), as: UTF8.self))
  }

  /// The contents of the file.
  public var bytes: [UInt8] { sorted.flatMap { Array($0.text.utf8) + [10] } }
}
