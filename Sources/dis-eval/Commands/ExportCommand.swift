import ArgumentParser
import DisEval
import Files

extension ExportFormat: ExpressibleByArgument {}

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Exports ledgers and results to tables of papers and to other tools.",
    discussion: """
      The formats openmetrics and csv are text, dvc is a metrics.json of numbers by name, and \
      mlflow is a folder in the layout of MLflow's file store (MLFLOW_TRACKING_URI=FOLDER). \
      Several inputs are combined. An evaluation that occurs in more than one of them is written \
      once. With --out, prints the path of what was written.

      latex and markdown are a table with a row for each evaluation: parameters, operations, \
      settings that differ, and metrics with 95 % intervals, the best in bold. What all evaluations \
      share is in a footnote. The LaTeX is for the inside of a table environment and needs booktabs.

      Examples:
        dis-eval export sweeps/s2/ledger.jsonl --format openmetrics --out metrics.txt
        dis-eval export result.json --format dvc --out metrics.json
        dis-eval export sweeps/dis sweeps/uvit --format latex --metric fid --metric recall \\
          --out table.tex
        dis-eval export a/ledger.jsonl b/ledger.jsonl --format mlflow --out mlruns
      """)

  @Argument(
    help: ArgumentHelp(
      "Ledgers, folders of sweeps, and results of fid, evaluate and merge.", valueName: "path"))
  var files: [String]

  @Option(help: "The format to write.")
  var format: ExportFormat

  @Option(
    help: ArgumentHelp(
      "A metric of a latex or markdown table; may be repeated. (default: all)", valueName: "name"))
  var metric: [String] = []

  @Option(
    help: ArgumentHelp(
      "The file, or the folder for mlflow. (default: standard output)", valueName: "path"))
  var out: String?

  func validate() throws {
    guard format != .mlflow || out != nil else {
      throw ValidationError("--format mlflow needs --out with a folder.")
    }
    guard metric.isEmpty || format.isTable else {
      throw ValidationError("--metric is for --format latex or markdown.")
    }
    try commandFiles(files).check()
  }

  private func commandFiles(_ inputs: [String]) -> CommandFiles {
    var files = CommandFiles()
    for file in inputs { files.reads("the input", file) }
    if let out, format == .mlflow {
      files.keeps("--out", [mlflowExperiment], in: out)
    } else {
      files.writes("--out", out)
    }
    return files
  }

  func run() throws {
    let files = try Ledger.files(at: self.files)
    if files != self.files { try commandFiles(files).check() }
    var ledger = Ledger()
    for file in files { ledger.merge(try Ledger(exportedFrom: file)) }
    if let out, format == .mlflow {
      try exportMLflow(ledger.entries, to: out)
      return try Terminal.result(out)
    }
    let text = Array(try format.text(ledger.entries, metrics: metric.isEmpty ? nil : metric).utf8)
    guard let out else { return try Terminal.result(text) }
    try AtomicFile.write(text, to: out)
    try Terminal.result(out)
  }
}
