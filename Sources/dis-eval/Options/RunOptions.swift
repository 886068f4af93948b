import ArgumentParser
import DisEval
import Foundation

/// How much work runs at once, and what is reported meanwhile.
struct RunOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Number of worker threads. (default: all processors)", valueName: "n"))
  var threads: Int?

  @Option(
    help: ArgumentHelp(
      "Number of images processed at once. Like --threads, it never changes a result.",
      valueName: "n"))
  var batch = 32

  @Option(
    help: "Instructions for all matrix products and kernels. (default: the processor's best)")
  var kernels: KernelOption?

  @Flag(help: "Do not print progress or warnings.")
  var quiet = false

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads \(threads): expected 1 to 1024.")
    }
    guard (1...65536).contains(batch) else {
      throw ValidationError("--batch \(batch): expected 1 to 65536.")
    }
  }

  /// The amount of work that runs at once.
  var workload: Workload {
    Workload(threads: threads ?? ProcessInfo.processInfo.activeProcessorCount, batch: batch)
  }

  /// How an evaluation is carried out if there is no run.
  var execution: Execution {
    var execution = Execution(workload: workload)
    execution.arguments = Array(CommandLine.arguments.dropFirst())
    return execution
  }

  var reporter: Reporter { Terminal.reporter(quiet: quiet) }
}

/// A command that computes, with the options of ``RunOptions``.
protocol ComputingCommand: AsyncParsableCommand {
  var running: RunOptions { get }
}
