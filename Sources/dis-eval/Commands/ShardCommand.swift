import ArgumentParser
import DisEval
import Files
import Foundation

/// Which part of a run a worker computes.
struct ShardOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Make part i of n, 0/n to n-1/n, and score nothing; none makes what nobody else does. "
        + "(default: what Slurm, MPI, torchrun or Kubernetes say, else none)",
      valueName: "i/n"))
  var shard: String?

  @Option(help: "How many shards there are, for launchers that do not say it.")
  var numShards: Int?

  /// The shard of this process, and where it was found.
  func find() throws(Failure) -> (shard: Shard?, explanation: [String]) {
    try Shard.find(
      explicit: shard, count: numShards, environment: ProcessInfo.processInfo.environment)
  }
}

struct ShardCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "shard",
    abstract: "Says which part of a sharded run a command started here would compute.",
    discussion: """
      Known are torchrun, Open MPI, PMI (MPICH, Intel MPI), Slurm steps and arrays, and Kubernetes \
      indexed jobs. The answer is i/n, or none for the whole run.

      Examples:
        dis-eval shard --explain
        srun dis-eval shard
      """)

  @OptionGroup var options: ShardOptions

  @Flag(help: "Also say which variables were seen and which of them won, on standard error.")
  var explain = false

  func run() throws {
    if explain {
      Shard.variablesSeen(in: ProcessInfo.processInfo.environment).forEach(Terminal.note)
    }
    let (shard, explanation) = try options.find()
    if explain, let outcome = explanation.last { Terminal.note(outcome) }
    try Terminal.result(shard.map(\.description) ?? "none")
  }
}
