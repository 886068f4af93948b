/// Returns `text` with the scalars of `table` replaced.
///
/// Swift's `replacing` compares characters, and so passes over a quote that is followed by a
/// combining mark, and over the end of a line that consists of two scalars. The programs that read
/// quotes and lines know scalars or bytes alone.
package func replacing(_ table: [Unicode.Scalar: String], in text: String) -> String {
  text.unicodeScalars.reduce(into: "") { $0 += table[$1] ?? String($1) }
}
