import ArgumentParser
import DisEval
import Files
import Foundation
import Results
import Work

/// The part of a run that a worker computes.
struct ShardOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Compute part i of n, from 0/n to n-1/n, and score nothing. With none, compute whatever no "
        + "other process does. (default: as Slurm, MPI, torchrun or Kubernetes say, or none)",
      valueName: "i/n"))
  var shard: String?

  @Option(
    help: ArgumentHelp("Number of shards, for launchers that do not provide it.", valueName: "n"))
  var numShards: Int?

  /// Returns the shard of this process, and an explanation of how it was determined.
  func find() throws(Failure) -> (shard: Shard?, explanation: [String]) {
    try Shard.find(
      explicit: shard, count: numShards, environment: ProcessInfo.processInfo.environment)
  }
}

struct ShardCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "shard",
    abstract: "Shows which part of a sharded run a command started here would compute.",
    discussion: """
      Recognises torchrun, Open MPI, PMI (MPICH, Intel MPI), Slurm steps and arrays, and \
      Kubernetes indexed jobs. Prints i/n, or none for the whole run.

      Examples:
        dis-eval shard --explain
        srun dis-eval shard
      """)

  @OptionGroup var options: ShardOptions

  @Flag(help: "Also print to standard error which variables are set and which of them are used.")
  var explain = false

  @Flag(help: "Print the shard and how it was determined as JSON.")
  var json = false

  /// The shard as JSON; null for the whole run.
  private struct Document: Encodable {
    @EncodedNull var shard: Shard?
    let explanation: [String]
  }

  func run() throws {
    if explain {
      Shard.variablesSeen(in: ProcessInfo.processInfo.environment).forEach(Terminal.note)
    }
    let (shard, reasons) = try options.find()
    let explanation = reasons.map(namingOptions)
    if explain, let outcome = explanation.last { Terminal.note(outcome) }
    if json {
      return try Terminal.result(
        encodedJSON(Document(shard: shard, explanation: explanation)))
    }
    try Terminal.result(shard.map(\.description) ?? "none")
  }
}
