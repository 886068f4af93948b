import ArgumentParser
import DisEval
import Files
import Foundation

struct SweepCommand: ComputingCommand {
  static let configuration = CommandConfiguration(
    commandName: "sweep",
    abstract: "Evaluates many checkpoints with the same settings, into a table and a ledger.",
    discussion: """
      A checkpoint is identified by its content. If it was evaluated before with the same \
      settings, it is not sampled again, whatever its file is called. The same command continues \
      an interrupted sweep, and several processes may share the folder. FOLDER/ledger.jsonl has a \
      line for each evaluation, and FOLDER/results contains the complete results.

      A list is a CSV file with a header or a JSON array of objects, with checkpoint, or with the \
      command of a generator, which is run, in generator and a name in name; and, where known, name, family, step, batch, images and data. Paths are relative to the list. If the \
      list does not give the training step, it is read from the file's name (0400000.pt, \
      step-400000.pt, ckpt_400k.pt) or from an integer in the checkpoint (train_steps, \
      global_step, step, steps, iteration). The table shows which.

      If a checkpoint is refused, the sweep lists it with the reason and continues. The exit \
      status is then the highest of those of the refused checkpoints.

      Examples:
        dis-eval sweep 'checkpoints/*.pt' --ref stats.npz --num 10000 --out sweeps/s2
        dis-eval sweep --list models.csv --ref stats.npz --repeats 3 \\
          --out sweeps/all --csv all.csv
        dis-eval sweep --watch results/000-DiS-S-2/checkpoints --ref stats.npz \\
          --num 5000 --out sweeps/live
      """)

  @Argument(
    help: ArgumentHelp(
      "Checkpoints, or quoted patterns such as 'checkpoints/*.pt'.", valueName: "file"))
  var checkpoints: [String] = []

  @Option(help: ArgumentHelp("A list of checkpoints, in CSV or JSON.", valueName: "file"))
  var list: String?

  @Option(
    help: ArgumentHelp(
      "Evaluate the checkpoints in this folder, and new ones as training writes them, until "
        + "stopped.",
      valueName: "folder"))
  var watch: String?

  @Option(help: ArgumentHelp("Seconds between checks of the watched folder.", valueName: "seconds"))
  var every = 5.0

  @OptionGroup var reference: ReferenceOption

  @Option(help: ArgumentHelp("The folder for the ledger and the results.", valueName: "folder"))
  var out: String

  @Option(
    help: ArgumentHelp("Number of samples for each evaluation. (default: 50000)", valueName: "n"))
  var num: Int?

  @Option(
    help: ArgumentHelp(
      """
      Number of seeds for each checkpoint: --seed and the numbers after it. All are reported, with \
      mean, standard deviation, minimum and maximum.
      """, valueName: "n"))
  var repeats = 1

  @Flag(help: "Do not compute intervals.")
  var noIntervals = false

  @OptionGroup var generators: GeneratorRunOptions
  @OptionGroup var metrics: MetricOptions
  @OptionGroup var scoring: ScoringOptions

  @OptionGroup(title: "Running") var running: RunOptions

  @Option(help: ArgumentHelp("Also write the table to this file.", valueName: "file"))
  var csv: String?

  @Flag(help: "Print the table as JSON; with --watch, each new line of the ledger.")
  var json = false

  func validate() throws {
    guard [!checkpoints.isEmpty, list != nil, watch != nil].count(where: { $0 }) == 1 else {
      throw ValidationError("Give checkpoints, --list or --watch, and only one of them.")
    }
    try scoring.check(reference: reference.ref)
    try scoring.checkPreset()
    try checkNum(num)
    guard (1...1000).contains(repeats) else {
      throw ValidationError("--repeats \(repeats): expected 1 to 1000.")
    }
    guard (0.01...86_400).contains(every) else {
      throw ValidationError("--every \(every): expected 0.01 to 86400 seconds.")
    }
    guard !out.isEmpty else { throw ValidationError("--out: expected the path of a folder.") }
    if case .all = scoring.dialect {
      throw ValidationError(
        "--dialect all: a row has one value of each metric; give a single dialect.")
    }
    guard watch == nil || csv == nil else {
      throw ValidationError(
        "--csv cannot be used with --watch; use 'dis-eval export' to write it at any time.")
    }
  }

  func run() async throws {
    let found = try list.map { try SweepCheckpoint.list($0) }
    let checkpoints = try found ?? SweepCheckpoint.matching(checkpoints)
    try checkFiles(checkpoints)
    if let csv { try AtomicFile.check(csv) }
    try scoring.notePreset(running.reporter)
    var template = try scoring.request(
      sampling: "", reference: reference.ref, count: num)
    template.metrics = metrics.names?.map(\.rawValue).sorted()
    template.intervals = !noIntervals
    var execution = running.execution
    generators.apply(to: &execution)
    var sweep = Sweep(folder: out, template: template, execution: execution)
    sweep.generatorSettings = try scoring.generatorSettings(scoring.presetAsked())
    sweep.repeats = repeats
    let stop = StopRequest()
    sweep.stop = stop
    StopSignals.install(stop)

    if let watch {
      return try await sweep.watch(watch, every: .seconds(every), reporter: running.reporter) {
        row in try announce(row)
      }
    }
    var report = try await sweep.report(checkpoints, reporter: running.reporter) { row in
      if !running.quiet { Terminal.note(line(row)) }
    }
    for index in report.rows.indices {
      report.rows[index].error = report.rows[index].error.map(namingOptions)
    }
    if let csv {
      let table = try ExportFormat.csv.text(report.rows.compactMap(\.entry))
      try AtomicFile.write(Array(table.utf8), to: csv)
      Terminal.wrote(csv, quiet: running.quiet)
    }
    if json { try Terminal.result(report.json()) } else { try Terminal.result(table(of: report)) }
    if let status = report.worstStatus { throw ExitCode(status) }
  }

  private func checkFiles(_ checkpoints: [SweepCheckpoint]) throws {
    var files = CommandFiles()
    for checkpoint in checkpoints where checkpoint.generator == nil {
      files.reads("a checkpoint", checkpoint.path)
    }
    files.reads("--list", list)
    files.readsImages("--watch", watch)
    scoring.addInputs(to: &files, reference: reference.ref)
    files.keeps("--out", Sweep.names, in: out)
    files.writes("--csv", csv)
    try files.check(json: json)
  }

  /// Prints a row of a watched folder as soon as it is known.
  private func announce(_ row: SweepRow) throws {
    guard json else { return try Terminal.result(line(row)) }
    if let entry = row.entry {
      try Terminal.result(entry.line())
    } else if !running.quiet {
      Terminal.note(line(row))
    }
  }
}

/// Returns a row as text.
private func line(_ row: SweepRow) -> String {
  let name = "\(escaped(row.name)), seed \(row.seed): "
  guard let entry = row.entry else {
    return name + "failed: \(row.error.map { reason(namingOptions($0)) } ?? "")"
  }
  return name
    + entry.metrics.sorted { $0.key < $1.key }
    .map { "\($0.key) \(number($0.value.value))" }.joined(separator: ", ")
    + (row.state == .cached ? " (cached)" : "")
}

private func reason(_ reason: SweepRow.Reason) -> String {
  "\(reason.code): '\(escaped(reason.subject))': \(escaped(reason.detail))"
}

/// Returns all rows as text, with the summaries of checkpoints with several seeds.
private func table(of report: SweepReport) -> String {
  let names = Set(report.rows.compactMap(\.entry).flatMap(\.metrics.keys)).sorted()
  func text(_ value: Int?) -> String { value.map(String.init) ?? "-" }
  var rows = [
    ["name", "seed", "step", "from", "parameters", "GFLOP", "num"] + names + ["state"]
  ]
  for row in report.rows {
    let entry = row.entry
    var cells = [
      escaped(row.name), String(row.seed), text(entry?.training?.step),
      entry?.training?.stepFrom.map(escaped) ?? "-", text(entry?.parameters),
      entry?.gflops.map { String(format: "%.4g", $0.total) } ?? "-", text(entry?.num),
    ]
    cells += names.map { name in
      guard let score = entry?.metrics[name] else { return "-" }
      let interval =
        score.interval.map { " [" + $0.ends.map(number).joined(separator: ", ") + "]" } ?? ""
      return number(score.value) + interval
    }
    rows.append(cells + [row.state == .failed ? "failed" : row.state.rawValue])
  }
  var lines = [Terminal.table(rows)]
  for row in report.rows {
    guard let error = row.error else { continue }
    lines.append("\(escaped(row.name)): \(reason(error))")
  }
  if !report.summaries.isEmpty {
    lines += ["", table(of: report.summaries)]
  }
  return lines.joined(separator: "\n")
}

/// Returns summaries of several seeds as text.
func table(of summaries: [SeedSummary]) -> String {
  Terminal.table(
    [["name", "metric", "seeds", "mean", "deviation", "min", "max"]]
      + summaries.map {
        [
          escaped($0.name), $0.metric, String($0.values.count), number($0.mean),
          number($0.standardDeviation), number($0.min), number($0.max),
        ]
      })
}
