import ArgumentParser
import DisEval
import Foundation

/// How much runs at once, and what is said meanwhile.
struct RunOptions: ParsableArguments {
  @Option(help: "Workers. (default: all processors)")
  var threads: Int?

  @Option(help: "Images in flight. Like --threads, it never changes a result.")
  var batch = 32

  @Option(
    help: "Instructions of all matrix products and kernels. (default: the processor's best)")
  var kernels: KernelOption?

  @Flag(help: "No progress and no warnings on standard error.")
  var quiet = false

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads \(threads): expected 1 to 1024.")
    }
    guard (1...65536).contains(batch) else {
      throw ValidationError("--batch \(batch): expected 1 to 65536.")
    }
  }

  /// How much runs at once.
  var workload: Workload {
    Workload(threads: threads ?? ProcessInfo.processInfo.activeProcessorCount, batch: batch)
  }

  /// How an evaluation is carried out, without a run.
  var execution: Execution {
    Execution(workload: workload, arguments: Array(CommandLine.arguments.dropFirst()))
  }

  var reporter: Reporter { Terminal.reporter(quiet: quiet) }
}

/// A command that computes, with the options of ``RunOptions``.
protocol ComputingCommand: AsyncParsableCommand {
  var running: RunOptions { get }
}
