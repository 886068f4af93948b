import ArgumentParser
import DisEval
import Files

struct MergeCommand: ComputingCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge",
    abstract: "Scores a run that one or more processes have computed with --run.",
    discussion: """
      Computes no samples and does not wait for other processes. If samples are missing, it lists \
      them and exits with 65. Metrics, provenance and digests are identical to those of one \
      uninterrupted process. Only the result's 'run' block differs, which holds the time, the host \
      and the arguments.

      Examples:
        dis-eval merge runs/model --out result.json
        dis-eval merge runs/model --partial --json
      """)

  @Argument(help: ArgumentHelp("The folder of the run.", valueName: "folder"))
  var run: String

  @Flag(help: "Score the samples that exist. The result states how many there are.")
  var partial = false

  @Option(help: ArgumentHelp("A reference to use instead of the run's own.", valueName: "path"))
  var ref: String?

  @Option(help: ArgumentHelp("The current location of the extractor's weights.", valueName: "file"))
  var weights: String?

  @OptionGroup(title: "Running") var running: RunOptions
  @OptionGroup(title: "Output") var output: ResultOptions

  func validate() throws { try check() }

  /// - Parameter request: The request of the run; nil before the run is read.
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
    try await output.run(
      request.prepare(running.execution, reporter: running.reporter), running.reporter,
      quiet: running.quiet)
  }
}
