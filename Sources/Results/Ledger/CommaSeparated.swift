import Files

/// Comma-separated values according to RFC 4180.
package enum CommaSeparated {
  /// A row, and the number of the line on which it begins.
  package struct Row {
    /// The number of the line on which the row begins, from 1.
    package let line: Int
    /// The cells, without quotes or the spaces around unquoted ones.
    package let cells: [String]
  }

  /// Reads rows, ignoring empty lines.
  ///
  /// - Throws: `Failure` `ListInvalid` (65), with the line, if a quote is not closed or occurs
  ///   within a cell.
  package static func rows(_ text: String, subject: String) throws(Failure) -> [Row] {
    var rows: [Row] = []
    var cells: [String] = []
    var cell = ""
    var (line, start) = (1, 1)
    var isQuoted = false  // Inside quotes.
    var wasQuoted = false  // After them.
    func refusal(_ what: String) -> Failure {
      Failure(.dataRefused, .listInvalid, "\(subject):\(line)", what)
    }
    func endCell() {
      cells.append(wasQuoted ? cell : trimmed(cell))
      (cell, wasQuoted) = ("", false)
    }
    func endRow() {
      endCell()
      if cells != [""] { rows.append(Row(line: start, cells: cells)) }
      cells = []
    }
    var rest = text.unicodeScalars.drop { $0 == "\u{FEFF}" }
    while let scalar = rest.popFirst() {
      if isQuoted {
        if scalar == "\"" {
          if rest.first == "\"" {
            rest.removeFirst()
            cell.unicodeScalars.append(scalar)
          } else {
            (isQuoted, wasQuoted) = (false, true)
          }
        } else {
          if scalar == "\n" { line += 1 }
          cell.unicodeScalars.append(scalar)
        }
        continue
      }
      switch scalar {
      case ",": endCell()
      case "\n":
        endRow()
        line += 1
        start = line
      case "\r" where rest.first == "\n" || rest.isEmpty: break
      case "\"" where trimmed(cell).isEmpty && !wasQuoted: (cell, isQuoted) = ("", true)
      case " ", "\t": if !wasQuoted { cell.unicodeScalars.append(scalar) }
      default:
        guard scalar != "\"", !wasQuoted else {
          throw refusal("a quote within a cell; write the whole cell in quotes and \"\" for one")
        }
        cell.unicodeScalars.append(scalar)
      }
    }
    guard !isQuoted else { throw refusal("the quote does not end") }
    endRow()
    return rows
  }

  /// Returns the line for `cells`, quoted where necessary. A cell with `#` is quoted, because some
  /// programs take it for a comment.
  package static func line(_ cells: [String]) -> String {
    cells.map { cell in
      let isPlain =
        cell == trimmed(cell)
        && !cell.unicodeScalars.contains { [",", "\"", "\n", "\r", "#"].contains($0) }
      return isPlain ? cell : "\"\(replacing(["\"": "\"\""], in: cell))\""
    }.joined(separator: ",") + "\n"
  }

  /// Returns the line for `cells`, for a spreadsheet: a text that it would compute as a formula begins
  /// with an apostrophe.
  package static func spreadsheetLine(_ cells: [String]) -> String {
    line(
      cells.map { cell in
        let first = cell.unicodeScalars.first
        let isFormula = first.map { ["=", "+", "-", "@", "\t", "\r"].contains($0) } ?? false
        return isFormula && Double(cell) == nil ? "'\(cell)" : cell
      })
  }

  private static func trimmed(_ text: String) -> String {
    func isBlank(_ scalar: Unicode.Scalar) -> Bool { scalar == " " || scalar == "\t" }
    let scalars = text.unicodeScalars
    guard let first = scalars.firstIndex(where: { !isBlank($0) }),
      let last = scalars.lastIndex(where: { !isBlank($0) })
    else { return "" }
    return String(scalars[first...last])
  }
}
