import Files
import Foundation

extension EvaluationTable {
  /// The table in LaTeX, for the inside of a `table` environment. It needs the package `booktabs`.
  public var latex: String {
    let alignment = columns.map { $0.isNumber ? "r" : "l" }.joined()
    func line(_ cells: [String]) -> String { "    \(cells.joined(separator: " & ")) \\\\\n" }
    return """
      % \\usepackage{booktabs}, then \\begin{table}\\centering\\caption{...}\\input{this file}\\end{table}
      \\begin{tabular}{@{}\(alignment)@{}}
          \\toprule
      \(line(columns.map { Self.latex($0.heading) }))\
          \\midrule
      \(entries.indices.map { row in line(columns.map { Self.latex($0.cells[row]) }) }.joined())\
          \\bottomrule
      \\end{tabular}
      \\par\\smallskip
      {\\footnotesize \(Self.latex(footnote))\\par}

      """
  }

  private static func latex(_ cell: Cell) -> String {
    let text = latex(cell.text)
    let interval = cell.interval.map {
      " {\\footnotesize{}[\(latex($0.low)), \(latex($0.high))]}"
    }
    return (cell.isBest ? "\\textbf{\(text)}" : text) + (interval ?? "")
  }

  /// Returns text that LaTeX prints as it is, in any engine and font encoding.
  ///
  /// Letters with accents are taken apart into their letter and a command. What LaTeX has no command for is
  /// written as `\u{…}`.
  private static func latex(_ text: String) -> String {
    escaped(text).map { character in
      let scalars = String(character).decomposedStringWithCanonicalMapping.unicodeScalars
      guard let base = scalars.first else { return "" }
      var result = latex(base)
      for mark in scalars.dropFirst() {
        if let accent = accents[mark.value], !result.isEmpty {
          // A letter without its dot carries the accent.
          let letter = ["i": "\\i{}", "j": "\\j{}"][result] ?? result
          result = "\\\(accent){\(letter)}"
        } else {
          result += codePoint(mark)
        }
      }
      return result
    }.joined()
  }

  private static func latex(_ scalar: Unicode.Scalar) -> String {
    if let command = commands[scalar.value] { return command }
    return (0x20...0x7E).contains(scalar.value) ? String(scalar) : codePoint(scalar)
  }

  private static func codePoint(_ scalar: Unicode.Scalar) -> String {
    "\\textbackslash{}u\\{\(String(scalar.value, radix: 16))\\}"
  }

  /// The commands that put a mark on the letter before it.
  private static let accents: [UInt32: String] = [
    0x300: "`", 0x301: "'", 0x302: "^", 0x303: "~", 0x304: "=", 0x306: "u", 0x307: ".",
    0x308: "\"", 0x30A: "r", 0x30B: "H", 0x30C: "v", 0x323: "d", 0x327: "c",
  ]

  /// What is written for characters with a meaning in LaTeX, and for some without a key.
  ///
  /// A bracket or a star at the beginning of a row would belong to the command that ends the row before;
  /// two hyphens, two quotes or `?` and a quote would be joined.
  private static let commands: [UInt32: String] = {
    let table: [Character: String] = [
      "\\": "\\textbackslash{}", "&": "\\&", "%": "\\%", "#": "\\#", "_": "\\_", "{": "\\{",
      "}": "\\}", "$": "\\$", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}",
      "<": "\\textless{}", ">": "\\textgreater{}", "|": "\\textbar{}", "[": "{[}", "]": "{]}",
      "*": "{*}", "-": "-{}", "?": "?{}", "!": "!{}", "`": "\\textquoteleft{}",
      "'": "\\textquoteright{}",
      "\"": "\\textquotedblright{}",
      "\u{A0}": "~", "–": "--", "—": "---", "‘": "\\textquoteleft{}", "’": "\\textquoteright{}",
      "“": "\\textquotedblleft{}", "”": "\\textquotedblright{}", "…": "\\ldots{}", "ß": "\\ss{}",
      "æ": "\\ae{}", "Æ": "\\AE{}",
      "œ": "\\oe{}", "Œ": "\\OE{}", "ø": "\\o{}", "Ø": "\\O{}", "ł": "\\l{}", "Ł": "\\L{}",
      "ı": "\\i{}", "§": "\\S{}", "×": "$\\times$", "±": "$\\pm$", "·": "$\\cdot$",
      "−": "$-$", "≤": "$\\leq$", "≥": "$\\geq$", "≈": "$\\approx$", "→": "$\\to$",
      "↑": "$\\uparrow$", "↓": "$\\downarrow$", "²": "$^2$", "³": "$^3$", "°": "$^\\circ$",
      "α": "$\\alpha$", "β": "$\\beta$", "γ": "$\\gamma$", "δ": "$\\delta$", "ε": "$\\epsilon$",
      "η": "$\\eta$", "θ": "$\\theta$", "λ": "$\\lambda$", "µ": "$\\mu$", "μ": "$\\mu$",
      "π": "$\\pi$", "σ": "$\\sigma$", "τ": "$\\tau$", "φ": "$\\phi$", "ω": "$\\omega$",
      "Δ": "$\\Delta$", "Σ": "$\\Sigma$", "Ω": "$\\Omega$",
    ]
    return Dictionary(
      table.compactMap { character, command in
        character.unicodeScalars.first.map { ($0.value, command) }
      }
    ) { first, _ in first }
  }()
}
