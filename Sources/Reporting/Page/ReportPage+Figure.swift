import Files
import Foundation

extension ReportPage.Figure {
  /// The maximum size of a drawing in bytes.
  private static let largest = 1 << 22

  /// Reads an SVG file, and its numbers from the `.csv` file of the same name if there is one.
  ///
  /// - Throws: ``Failure`` `ReportInput` (65) if a file is too large, the drawing is not SVG, or
  ///   the rows of the `.csv` file differ in length; or the error that opening or reading a file
  ///   throws.
  public init(svgFile path: String) throws(Failure) {
    svg = try ReportedFile.bytes(path, limit: Self.largest)
    let start = String(decoding: svg.prefix(4096), as: UTF8.self)
    guard start.contains("<svg") else {
      throw ReportedFile.refusal(
        path, "is not an SVG drawing")
    }
    let name = path.split(separator: "/").last.map(String.init) ?? path
    let stem = name.hasSuffix(".svg") ? String(name.dropLast(4)) : name
    caption = stem
    table = try Self.table(path.hasSuffix(".svg") ? "\(path.dropLast(4)).csv" : "\(path).csv", stem)
  }

  private static func table(_ path: String, _ name: String) throws(Failure) -> ReportPage.Table? {
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    let text = String(decoding: try ReportedFile.bytes(path, limit: largest), as: UTF8.self)
    let rows = records(ofCSV: text)
    guard let headings = rows.first, rows.allSatisfy({ $0.count == headings.count }) else {
      throw ReportedFile.refusal(path, "rows of different lengths; expected those of the figure")
    }
    let shown = rows.dropFirst().prefix(ReportedLedger.largestTable)
    return ReportPage.Table(
      "Numbers of \(name)"
        + (shown.count < rows.count - 1 ? ", the first \(shown.count) of \(rows.count - 1)" : ""),
      headings: headings,
      rows: shown.map { row in row.map { Double($0) == nil ? .text($0) : .number($0) } })
  }
}

/// Returns the records of comma-separated values according to RFC 4180, without lines that begin
/// with `#`.
func records(ofCSV text: String) -> [[String]] {
  var (records, record, field): ([[String]], [String], String) = ([], [], "")
  var (isQuoted, wasQuoted, isComment) = (false, false, false)
  func isEmpty() -> Bool { record.isEmpty && field.isEmpty && !wasQuoted }
  // Iterates over scalars, because "\r\n" is one character.
  for scalar in (text + "\n").unicodeScalars {
    switch scalar {
    case "\n" where !isQuoted:
      if !isEmpty(), !isComment { records.append(record + [field]) }
      (record, field, wasQuoted, isComment) = ([], "", false, false)
    case _ where isComment, "\r" where !isQuoted: break
    case "#" where isEmpty() && !isQuoted: isComment = true
    case "\"":
      if wasQuoted, !isQuoted { field.unicodeScalars.append(scalar) }
      (isQuoted, wasQuoted) = (!isQuoted, true)
    case "," where !isQuoted:
      record.append(field)
      (field, wasQuoted) = ("", false)
    default: field.unicodeScalars.append(scalar)
    }
  }
  return records
}
