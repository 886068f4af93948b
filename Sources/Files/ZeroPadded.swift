/// Returns `digits` with zeros in front, so that there are at least `width` characters.
package func zeroPadded(_ digits: String, to width: Int) -> String {
  String(repeating: "0", count: max(0, width - digits.count)) + digits
}
