import Files

extension EvaluationTable {
  /// The table in Markdown, as GitHub and most programs read it.
  public var markdown: String {
    func line(_ cells: [String]) -> String { "| \(cells.joined(separator: " | ")) |\n" }
    let rule = columns.map { $0.isNumber ? "---:" : "---" }
    return line(columns.map { Self.markdown($0.heading) }) + line(rule)
      + entries.indices.map { row in
        line(
          columns.map { column in
            let cell = column.cells[row]
            let text = cell.text.isEmpty ? " " : Self.markdown(cell.text)
            let interval = cell.interval.map { " \\[\($0.low), \($0.high)\\]" } ?? ""
            return (cell.isBest ? "**\(text)**" : text) + interval
          })
      }.joined() + "\n" + Self.markdown(footnote) + "\n"
  }

  /// What all evaluations share, and what intervals and marks are.
  var footnote: String {
    let shared = conditions.map { "\($0.name) \($0.value)" }.joined(separator: "; ")
    return ([shared].filter { !$0.isEmpty }.map { "\($0)." } + remarks).joined(separator: " ")
  }

  /// Returns text without anything that Markdown or HTML interprets.
  private static func markdown(_ text: String) -> String {
    escaped(text).unicodeScalars.map { scalar in
      switch scalar {
      case "&": "&amp;"
      case "<": "&lt;"
      case ">": "&gt;"
      // A name would notify its owner, and an address become a link.
      case "@": "&#64;"
      case ":": "&#58;"
      case "\\", "`", "*", "_", "{", "}", "[", "]", "#", "~", "|", "$", "!", "^": "\\\(scalar)"
      default: String(scalar)
      }
    }.joined()
  }
}
