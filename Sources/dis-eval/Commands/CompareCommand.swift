import ArgumentParser
import Files
import Foundation
import Results

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "The difference of two results, with intervals.",
    discussion: """
      The second less the first, with the 95 % interval of the difference of the expectations at this \
      number of samples. Of one seed it is of pairs: what samples of the same noise and label have in common \
      cancels, and far smaller differences show. 'gate' judges such differences.

      Another dialect, number of images, extractor or reference is refused; what else differs is listed.

      Examples:
        dis-eval compare before.json after.json
        dis-eval compare ddim.json dpm.json --json
        dis-eval compare before-3-seeds.json after-3-seeds.json
      """)

  @Argument(help: ArgumentHelp("The first result.", valueName: "first.json"))
  var first: String

  @Argument(help: ArgumentHelp("The second result.", valueName: "second.json"))
  var second: String

  @Flag(help: "Print the comparison as JSON.")
  var json = false

  func run() throws {
    let comparison = try ResultComparison(
      try RecordedEvaluation(reading: first, as: .result),
      try RecordedEvaluation(reading: second, as: .result))
    try json ? Terminal.result(comparison.json()) : Terminal.result(text(of: comparison))
  }
}

private func text(of comparison: ResultComparison) -> String {
  let rows = comparison.metrics.map { row in
    let verdict = row.interval.map { ends in
      ends[0] <= 0 && ends[1] >= 0
        ? "no difference shown" : (row.difference > 0) == row.higherIsBetter ? "better" : "worse"
    }
    return [
      escaped(row.metric), number(row.first), number(row.second), signed(row.difference),
      row.standardError.map(number) ?? "-",
      row.interval.map { "[" + $0.map(signed).joined(separator: ", ") + "]" } ?? "-",
      verdict ?? escaped(row.intervalReason ?? ""),
    ]
  }
  let pairs = comparison.paired ? "of pairs" : "of independent samples"
  var lines = [
    Terminal.table(
      [["metric", "first", "second", "difference", "standard error", "95 % \(pairs)", ""]] + rows)
  ]
  if let seeds = comparison.seeds {
    func text(_ seeds: [UInt64]) -> String { seeds.map(String.init).joined(separator: ", ") }
    lines.append("  means over seeds: \(text(seeds.first)), then \(text(seeds.second))")
  }
  lines += comparison.differences.map {
    "  \(escaped($0.field)): \(escaped($0.first ?? "-")), then \(escaped($0.second ?? "-"))"
  }
  return lines.joined(separator: "\n")
}

private func signed(_ value: Double) -> String { (value < 0 ? "" : "+") + number(value) }
