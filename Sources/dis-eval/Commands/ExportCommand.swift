import ArgumentParser
import DisEval
import Files

extension ExportFormat: ExpressibleByArgument {}

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Exports ledgers and results to OpenMetrics, CSV, DVC or MLflow.",
    discussion: """
      The formats openmetrics and csv are text, dvc is a metrics.json of numbers by name, and \
      mlflow is a folder in the layout of MLflow's file store (MLFLOW_TRACKING_URI=FOLDER). \
      Several inputs are combined. An evaluation that occurs in more than one of them is written \
      once. With --out, prints the path of what was written.

      Examples:
        dis-eval export sweeps/s2/ledger.jsonl --format openmetrics --out metrics.txt
        dis-eval export result.json --format dvc --out metrics.json
        dis-eval export a/ledger.jsonl b/ledger.jsonl --format mlflow --out mlruns
      """)

  @Argument(
    help: ArgumentHelp("Ledgers, and results of fid, evaluate and merge.", valueName: "file"))
  var files: [String]

  @Option(help: "The format to write.")
  var format: ExportFormat

  @Option(
    help: ArgumentHelp(
      "The file, or the folder for mlflow. (default: standard output)", valueName: "path"))
  var out: String?

  func validate() throws {
    guard format != .mlflow || out != nil else {
      throw ValidationError("--format mlflow needs --out with a folder.")
    }
    var files = CommandFiles()
    for file in self.files { files.reads("the input", file) }
    if let out, format == .mlflow {
      files.keeps("--out", [mlflowExperiment], in: out)
    } else {
      files.writes("--out", out)
    }
    try files.check()
  }

  func run() throws {
    var ledger = Ledger()
    for file in files { ledger.merge(try Ledger(exportedFrom: file)) }
    if let out, format == .mlflow {
      try exportMLflow(ledger.entries, to: out)
      return try Terminal.result(out)
    }
    let text = Array(try format.text(ledger.entries).utf8)
    guard let out else { return try Terminal.result(text) }
    try AtomicFile.write(text, to: out)
    try Terminal.result(out)
  }
}
