import ArgumentParser
import DisEval
import Files

struct MergeCommand: ComputingCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge",
    abstract: "Scores a run that one or more processes have made with --run.",
    discussion: """
      Makes no samples and waits for nobody: if samples are missing it exits 65 and says which. The \
      result is the same, to the byte, as that of one process without interruption.

      Examples:
        dis-eval merge runs/model --out result.json
        dis-eval merge runs/model --partial --json
      """)

  @Argument(help: ArgumentHelp("Folder of the run.", valueName: "run"))
  var run: String

  @Flag(help: "Score what is there, with the true number of samples in the result.")
  var partial = false

  @Option(help: ArgumentHelp("Another reference than the run's own.", valueName: "path"))
  var ref: String?

  @Option(help: ArgumentHelp("Where the extractor's weights are now.", valueName: "file"))
  var weights: String?

  @OptionGroup(title: "Running") var running: RunOptions
  @OptionGroup(title: "Output") var output: ResultOptions

  func validate() throws { try check() }

  /// - Parameter request: What the run says, once that is read.
  private func check(_ request: EvaluationRequest? = nil) throws {
    var files = CommandFiles()
    files.keepsRun("the run", in: run)
    files.readsReference(
      "--ref", ref ?? request?.reference, recursive: request?.recursive)
    files.reads("--weights", weights ?? request?.weights)
    output.addOutputs(to: &files)
    try files.check(json: output.json)
  }

  func run() async throws {
    var request = try EvaluationRequest(
      run: RunRequest(path: run, isPartial: partial), reference: ref, weights: weights)
    request.intervals = request.intervals && !output.noIntervals
    try check(request)
    try output.check()
    try await output.run(request.prepare(running.execution, reporter: running.reporter))
  }
}
