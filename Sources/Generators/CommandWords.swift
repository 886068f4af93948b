import Files

/// Splits a command into words as a shell does: at spaces, tabs and newlines outside of quotes. No
/// other character is special.
///
/// Between single quotes every character stands for itself; between double quotes a backslash before
/// `"` or `\` is removed; elsewhere a backslash is removed and the character after it kept.
///
/// - Throws: `Failure` `InvalidCommand` (64) if there is no word, or a quote or backslash has no end.
package func commandWords(_ text: String) throws(Failure) -> [String] {
  func invalid(_ detail: String) -> Failure {
    Failure(.usage, .invalidCommand, text, "\(detail); expected a program and its arguments")
  }
  var words: [String] = []
  var word: String?
  var quote: Unicode.Scalar?
  func append(_ text: String) {
    if word == nil { word = "" }
    word?.append(text)
  }
  // A shell does not know that a mark combines with the quote before it.
  var scalars = text.unicodeScalars.makeIterator()
  while let scalar = scalars.next() {
    switch (scalar, quote) {
    case ("\\", nil), ("\\", "\""):
      guard let next = scalars.next() else { throw invalid("a backslash has nothing after it") }
      let isKept = quote != nil && next != "\"" && next != "\\"
      append((isKept ? "\\" : "") + String(next))
    case ("'", nil), ("\"", nil):
      quote = scalar
      append("")
    case (let mark, let open?) where mark == open: quote = nil
    case (_, nil) where scalar.properties.isWhitespace:
      if let finished = word { words.append(finished) }
      word = nil
    default: append(String(scalar))
    }
  }
  guard quote == nil else { throw invalid("a quote has no end") }
  if let finished = word { words.append(finished) }
  guard let program = words.first, !program.isEmpty else { throw invalid("there is no program") }
  guard !text.contains("\0") else { throw invalid("there is a zero byte") }
  return words
}

/// Returns words as a command that ``commandWords(_:)`` and a shell split into the same words.
package func commandText(_ words: [String]) -> String {
  words.map { word in
    let isPlain =
      !word.isEmpty
      && word.allSatisfy {
        $0.isASCII && ($0.isLetter || $0.isNumber || "_-./=:,@%+".contains($0))
      }
    return isPlain ? word : "'" + replacing(["'": "'\\''"], in: word) + "'"
  }.joined(separator: " ")
}
