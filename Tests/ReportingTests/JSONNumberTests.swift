import Foundation
import Reporting
import Results
import Testing
import _TestSupport

/// A number that is written and read is the same number.
@Suite("Numbers in JSON") struct JSONNumberTests {
  private func number(_ value: JSONValue) -> Double? {
    switch value {
    case .integer(let value): Double(value)
    case .natural(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }

  /// As this tool writes them, and with the 17 digits of others.
  @Test("what is read is what was written", arguments: [false, true])
  func reading(hasSeventeenDigits: Bool) throws {
    let doubles = doublesOfEveryKind(100_000, seed: 3)
    let text =
      hasSeventeenDigits
      ? Data("[\(doubles.map { String(format: "%.17g", $0) }.joined(separator: ","))]".utf8)
      : try JSONEncoder().encode(doubles)
    #expect(try JSONDecoder().decode([Double].self, from: text) == doubles)
    let values = try JSONDecoder().decode([JSONValue].self, from: text)
    #expect(values.map(number) == doubles)
    // And written once more.
    #expect(
      try JSONDecoder().decode([Double].self, from: JSONEncoder().encode(values)) == doubles)
    // As the tests of the command read its output.
    #expect(try (jsonObject(text) as? [NSNumber])?.map(\.doubleValue) == doubles)
  }
}
