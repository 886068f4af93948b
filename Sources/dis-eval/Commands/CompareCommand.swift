import ArgumentParser
import Files
import Foundation
import GenerativeMetrics
import Results

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Compares two results, with intervals for the differences.",
    discussion: """
      Prints the second result minus the first, with a 95 % interval for the difference of the \
      expected values. Distances are compared by their debiased values, which estimate the limit for \
      infinitely many images; with --plug-in, by the values at this number of samples, which can \
      favour a model that is less diverse than the data. If both results have the same seed, the samples \
      are compared in pairs: what samples with the same noise and label have in common cancels, so \
      that much smaller differences can be seen. Use 'gate' to judge such differences.

      Results that differ in the dialect, the number of images, the extractor or the reference are \
      refused. Other differences are listed.

      Examples:
        dis-eval compare before.json after.json
        dis-eval compare before.json after.json --plug-in
        dis-eval compare ddim.json dpm.json --json
        dis-eval compare before.json after.json --out comparison.json
        dis-eval compare before-3-seeds.json after-3-seeds.json
      """)

  @Argument(help: ArgumentHelp("The first result.", valueName: "first"))
  var first: String

  @Argument(help: ArgumentHelp("The second result.", valueName: "second"))
  var second: String

  @Option(
    help: ArgumentHelp("Also write the comparison to this file, as JSON.", valueName: "file"))
  var out: String?

  @Flag(help: "Compare the values of distances instead of their debiased values.")
  var plugIn = false

  @Flag(help: "Print the comparison as JSON.")
  var json = false

  @Flag(help: "Do not print notes.")
  var quiet = false

  func validate() throws {
    var files = CommandFiles()
    files.reads("the first result", first)
    files.reads("the second result", second)
    files.writes("--out", out)
    try files.check(json: json)
  }

  func run() throws {
    if let out { try AtomicFile.check(out) }
    let comparison = try ResultComparison(
      try RecordedEvaluation(reading: first, as: .result),
      try RecordedEvaluation(reading: second, as: .result), plugIn: plugIn)
    let document = try comparison.json()
    if let out { try AtomicFile.write(document, to: out) }
    Terminal.wrote(out, quiet: quiet)
    try json ? Terminal.result(document) : Terminal.result(text(of: comparison))
  }
}

private func text(of comparison: ResultComparison) -> String {
  let rows = comparison.metrics.map { row in
    let verdict = row.interval.map { (interval: ClosedRange<Double>) -> String in
      guard !interval.contains(0) else { return "no clear difference" }
      let isBetter = (row.difference > 0) == row.higherIsBetter
      // A better value can be the effect of lost diversity.
      let rewardsCollapse = MetricTitle(rawValue: row.metric)?.rewardsCollapse ?? false
      return isBetter ? rewardsCollapse ? "higher" : "better" : "worse"
    }
    return [
      (row.debiased ? "debiased " : "") + escaped(row.metric), number(row.first),
      number(row.second), signed(row.difference),
      row.standardError.map(number) ?? "-",
      row.interval.map { "[" + $0.ends.map(signed).joined(separator: ", ") + "]" } ?? "-",
      verdict ?? escaped(row.intervalReason ?? ""),
    ]
  }
  let pairs = comparison.paired ? "paired" : "unpaired"
  var lines = [
    Terminal.table(
      [["metric", "first", "second", "difference", "standard error", "95 % (\(pairs))", ""]] + rows)
  ]
  lines += comparison.metrics.compactMap { row in
    row.methodReason.map {
      "  \(escaped(row.metric)): compared by groups of images, because \(escaped($0))"
    }
  }
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
