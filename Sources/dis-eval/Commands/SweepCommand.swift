import ArgumentParser
import DisEval
import Files
import Foundation

struct SweepCommand: ComputingCommand {
  static let configuration = CommandConfiguration(
    commandName: "sweep",
    abstract: "Evaluates many checkpoints alike, into a table and a ledger.",
    discussion: """
      A checkpoint whose content has been evaluated with the same settings is not sampled again, \
      whatever its file is called. Killed at any moment, the same command continues; several processes \
      may share the folder. FOLDER/ledger.jsonl has a line for each evaluation, FOLDER/results the whole \
      results.

      A list is a CSV file with a line of column names, or a JSON array of objects: checkpoint, and if \
      known name, family, step, batch, images, data. Paths are relative to it. Where it does not say the \
      training step, the file's name does (0400000.pt, step-400000.pt, ckpt_400k.pt), or an integer in \
      the checkpoint (train_steps, global_step, step, steps, iteration); the table says which.

      One checkpoint that is refused does not stop the others: its row says why, and the exit status is \
      the highest of those that the refused ones have for themselves.

      Examples:
        dis-eval sweep 'checkpoints/*.pt' --ref stats.npz --num 10000 --out sweeps/s2
        dis-eval sweep --list models.csv --ref stats.npz --repeats 3 \\
          --out sweeps/all --csv all.csv
        dis-eval sweep --watch results/000-DiS-S-2/checkpoints --ref stats.npz \\
          --num 5000 --out sweeps/live
      """)

  @Argument(help: "Checkpoints, or patterns in quotes such as 'checkpoints/*.pt'.")
  var checkpoints: [String] = []

  @Option(help: ArgumentHelp("Checkpoints with what is known of them.", valueName: "csv|json"))
  var list: String?

  @Option(
    help: ArgumentHelp(
      "Evaluate the checkpoints in this folder, and those that training writes there, until stopped.",
      valueName: "folder"))
  var watch: String?

  @Option(help: "Seconds between two looks at the watched folder.")
  var every = 5.0

  @OptionGroup var reference: ReferenceOption

  @Option(help: ArgumentHelp("Where ledger and results are kept.", valueName: "folder"))
  var out: String

  @Option(help: "Number of samples of each evaluation. (default: 50000)")
  var num: Int?

  @Option(
    help: """
      Ranges of seeds of each checkpoint: --seed and the numbers after it. All of them are reported, \
      with mean, standard deviation, minimum and maximum.
      """)
  var repeats = 1

  @Flag(help: "Compute no intervals of distances and scores.")
  var noIntervals = false

  @OptionGroup var metrics: MetricOptions
  @OptionGroup var scoring: ScoringOptions

  @OptionGroup(title: "Running") var running: RunOptions

  @Option(help: ArgumentHelp("Also write the table there.", valueName: "file"))
  var csv: String?

  @Flag(help: "Print the table as JSON; with --watch, each new line of the ledger.")
  var json = false

  func validate() throws {
    guard [!checkpoints.isEmpty, list != nil, watch != nil].count(where: { $0 }) == 1 else {
      throw ValidationError("Give checkpoints, or --list, or --watch.")
    }
    try scoring.check(reference: reference.ref)
    if let num, num < 2 { throw ValidationError("--num \(num): expected at least 2.") }
    guard (1...1000).contains(repeats) else {
      throw ValidationError("--repeats \(repeats): expected 1 to 1000.")
    }
    guard (0.01...86_400).contains(every) else {
      throw ValidationError("--every \(every): expected 0.01 to 86400 seconds.")
    }
    guard !out.isEmpty else { throw ValidationError("--out: expected the path of a folder.") }
    if case .all = scoring.dialect {
      throw ValidationError("--dialect all: a row has one number for each metric; give one.")
    }
    guard watch == nil || csv == nil else {
      throw ValidationError("--csv is for a sweep that ends; 'dis-eval export' writes it any time.")
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
    template.metrics = try metrics.names?.map(\.rawValue).sorted()
    template.intervals = !noIntervals
    var sweep = Sweep(folder: out, template: template, execution: running.execution)
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
    }
    if json { try Terminal.result(report.json()) } else { try Terminal.result(table(of: report)) }
    if let status = report.worstStatus { throw ExitCode(status) }
  }

  private func checkFiles(_ checkpoints: [SweepCheckpoint]) throws {
    var files = CommandFiles()
    for checkpoint in checkpoints { files.reads("a checkpoint", checkpoint.path) }
    files.reads("--list", list)
    files.readsImages("--watch", watch)
    scoring.addInputs(to: &files, reference: reference.ref)
    files.keeps("--out", Sweep.names, in: out)
    files.writes("--csv", csv)
    try files.check(json: json)
  }

  /// One row of a watched folder as it is known.
  private func announce(_ row: SweepRow) throws {
    guard json else { return try Terminal.result(line(row)) }
    if let entry = row.entry {
      try Terminal.result(entry.line())
    } else if !running.quiet {
      Terminal.note(line(row))
    }
  }
}

/// A row for people.
private func line(_ row: SweepRow) -> String {
  let name = "\(escaped(row.name)), seed \(row.seed): "
  guard let entry = row.entry else {
    return name + "failed: \(row.error.map { reason(namingOptions($0)) } ?? "")"
  }
  return name
    + entry.metrics.sorted { $0.key < $1.key }
    .map { "\($0.key) \(number($0.value.value))" }.joined(separator: ", ")
    + (row.state == .cached ? " (known)" : "")
}

private func reason(_ reason: SweepRow.Reason) -> String {
  "\(reason.code): '\(escaped(reason.subject))': \(escaped(reason.detail))"
}

/// All rows for people, and what repeats of one have in common.
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
        score.interval.map { " [" + $0.map(number).joined(separator: ", ") + "]" } ?? ""
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

/// What ranges of seeds have in common, for people.
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
