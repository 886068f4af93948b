import ArgumentParser
import DisEval
import Files
import Foundation
import GenerativeMetrics
import Results

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Compares two results or two training recipes, with intervals for the differences.",
    discussion: """
      Prints the second result minus the first, with a 95 % interval for the difference of the \
      expected values. Distances are compared by their debiased values, which estimate the limit for \
      infinitely many images; with --plug-in, by the values at this number of samples, which can \
      favour a model that is less diverse than the data. If both results have the same seed, the samples \
      are compared in pairs: what samples with the same noise and label have in common cancels, so \
      that much smaller differences can be seen. Use 'gate' to judge such differences.

      Results that differ in the dialect, the number of images, the extractor or the reference are \
      refused. Other differences are listed.

      The interval of two results says nothing of retraining: the same recipe, trained with another \
      seed, gives another value. To compare two recipes, give a quoted pattern for each that matches \
      the results of two or more trainings, or a ledger with --ledger and the name or family of each \
      recipe in it. The interval for the difference of the means then covers trainings and samples, \
      and both standard deviations are shown.

      Examples:
        dis-eval compare before.json after.json
        dis-eval compare before.json after.json --plug-in
        dis-eval compare ddim.json dpm.json --json
        dis-eval compare before.json after.json --out comparison.json
        dis-eval compare before-3-seeds.json after-3-seeds.json
        dis-eval compare 'results/dis-seed*.json' 'results/uvit-seed*.json'
        dis-eval compare --ledger sweep/ledger.jsonl dis-s2 uvit-s2
      """)

  @Argument(
    help: ArgumentHelp(
      "The first result, or a quoted pattern of the results of one recipe.", valueName: "first"))
  var first: String

  @Argument(help: ArgumentHelp("The second, likewise.", valueName: "second"))
  var second: String

  @Option(
    help: ArgumentHelp(
      "The ledger of a sweep, in which both arguments are names or families.", valueName: "file"))
  var ledger: String?

  @Option(
    help: ArgumentHelp(
      "Take from the ledger only checkpoints of this training step.", valueName: "n"))
  var trainingStep: Int?

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
    if trainingStep != nil, ledger == nil {
      throw ValidationError("--training-step needs --ledger.")
    }
    if ledger == nil {
      try checkFiles([first], [second])
    } else {
      var files = CommandFiles()
      files.reads("--ledger", ledger)
      files.writes("--out", out)
      try files.check(json: json)
    }
  }

  private func checkFiles(_ first: [String], _ second: [String]) throws {
    var files = CommandFiles()
    for path in first { files.reads("the first result", path) }
    for path in second { files.reads("the second result", path) }
    files.writes("--out", out)
    try files.check(json: json)
  }

  func run() throws {
    if let out { try AtomicFile.check(out) }
    let (one, other) = (try results(first), try results(second))
    try checkFiles(one, other)
    func read(_ paths: [String]) throws -> [RecordedEvaluation] {
      try paths.map { try RecordedEvaluation(reading: $0, as: .result) }
    }
    if one.count == 1, other.count == 1 {
      let comparison = try ResultComparison(
        try read(one)[0], try read(other)[0], plugIn: plugIn)
      try write(try comparison.json(), text(of: comparison))
    } else {
      let comparison = try RecipeComparison(
        try read(one), try read(other), plugIn: plugIn)
      try write(try comparison.json(), text(of: comparison))
    }
  }

  /// Returns the paths of the results that an argument stands for.
  private func results(_ argument: String) throws -> [String] {
    guard let ledger else {
      return try matchingFiles([argument], expected: "a result, or a pattern such as 'seed*.json'")
    }
    let entries = try Ledger(exportedFrom: ledger).entries
    return try entries.results(
      of: argument, trainingStep: trainingStep, subject: ledger)
  }

  private func write(_ document: [UInt8], _ text: String) throws {
    if let out { try AtomicFile.write(document, to: out) }
    Terminal.wrote(out, quiet: quiet)
    try json ? Terminal.result(document) : Terminal.result(text)
  }
}

private func text(of comparison: ResultComparison) -> String {
  let rows = comparison.metrics.map { row in
    return [
      (row.debiased ? "debiased " : "") + escaped(row.metric), number(row.first),
      number(row.second), signed(row.difference),
      row.standardError.map(number) ?? "-",
      row.interval.map { "[" + $0.ends.map(signed).joined(separator: ", ") + "]" } ?? "-",
      row.interval.map { verdict($0, of: row.metric, row.higherIsBetter) }
        ?? escaped(row.intervalReason ?? ""),
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

private func text(of comparison: RecipeComparison) -> String {
  func side(_ side: RecipeComparison.Side?) -> String {
    side.map { "\(number($0.mean)) [\($0.interval.ends.map(number).joined(separator: ", "))]" }
      ?? "-"
  }
  func deviations(_ row: RecipeComparison.Row) -> String {
    [row.first, row.second].compactMap(\.self).map {
      "\(number($0.trainingDeviation)) / \(number($0.samplingDeviation))"
    }.joined(separator: ", ")
  }
  let rows = comparison.metrics.map { row in
    [
      (row.debiased ? "debiased " : "") + escaped(row.metric), side(row.first), side(row.second),
      row.difference.map(signed) ?? "-",
      row.interval.map { "[" + $0.ends.map(signed).joined(separator: ", ") + "]" } ?? "-",
      deviations(row),
      row.interval.map { verdict($0, of: row.metric, row.higherIsBetter) }
        ?? escaped(row.intervalReason ?? ""),
    ]
  }
  var lines = [
    Terminal.table(
      [
        [
          "metric", "mean of \(comparison.first.count) trainings",
          "mean of \(comparison.second.count) trainings", "difference", "95 %",
          "deviation of training / sampling", "",
        ]
      ] + rows)
  ]
  lines += comparison.differences.map {
    "  \(escaped($0.field)): \(escaped($0.first ?? "-")), then \(escaped($0.second ?? "-"))"
  }
  return lines.joined(separator: "\n")
}

/// Returns what an interval for the second value minus the first says of the second.
private func verdict(
  _ interval: ClosedRange<Double>, of metric: String, _ higherIsBetter: Bool
) -> String {
  guard !interval.contains(0) else { return "no clear difference" }
  // A better value can be the effect of lost diversity.
  let rewardsCollapse = MetricTitle(rawValue: metric)?.rewardsCollapse ?? false
  guard (interval.lowerBound > 0) == higherIsBetter else { return "worse" }
  return rewardsCollapse ? "higher" : "better"
}

private func signed(_ value: Double) -> String { (value < 0 ? "" : "+") + number(value) }
