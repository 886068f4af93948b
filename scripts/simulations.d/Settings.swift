/// How much is simulated.
struct Settings: Sendable {
  /// Every number of the tables depends on it.
  var seed: UInt64 = 1
  /// The number of repeats with 64 features.
  var repeats = 100
  /// The number of repeats with 512 features.
  var wideRepeats = 10
  var threads = 2
  /// The folder of the features that `demo` writes.
  var rows: String?
}

/// A table in Markdown.
struct Table {
  private var lines: [String]

  init(_ columns: [String]) {
    lines = [Self.line(columns), Self.line(columns.map { _ in "---" })]
  }

  mutating func append(_ cells: [String]) { lines.append(Self.line(cells)) }

  func print() { Swift.print(lines.joined(separator: "\n") + "\n") }

  private static func line(_ cells: [String]) -> String {
    "| " + cells.joined(separator: " | ") + " |"
  }
}

/// Returns a share as `.953`.
func share(_ value: Double) -> String {
  let thousandths = Int((value * 1000).rounded())
  let digits = String(thousandths % 1000)
  return thousandths >= 1000
    ? "1.000" : "." + String(repeating: "0", count: 3 - digits.count) + digits
}

/// Returns the share of elements that satisfy a condition.
func share<Element>(of elements: [Element], _ condition: (Element) throws -> Bool) rethrows
  -> Double
{
  Double(try elements.count(where: condition)) / Double(max(elements.count, 1))
}

extension [Double] {
  var mean: Double { reduce(0, +) / Double(count) }

  /// The standard deviation of one of these.
  var deviation: Double {
    let mean = mean
    return (reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(Swift.max(count - 1, 1)))
      .squareRoot()
  }

  func quantile(_ share: Double) -> Double {
    sorted()[Swift.min(Int(share * Double(count)), count - 1)]
  }
}

/// Returns a number with a few digits.
func digits(_ value: Double, _ count: Int = 3) -> String {
  let factor = (0..<count).reduce(1.0) { power, _ in power * 10 }
  let whole = Int((abs(value) * factor).rounded())
  let part = String(whole % Int(factor))
  let sign = value < 0 && whole > 0 ? "-" : ""
  guard count > 0 else { return sign + String(whole) }
  return sign + "\(whole / Int(factor)).\(String(repeating: "0", count: count - part.count))\(part)"
}
