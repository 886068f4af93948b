import ArgumentParser
import DisEval
import Files
import Foundation
import GenerativeMetrics

/// The root command: configuration only.
struct DisEvalCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: Tool.name,
    abstract: "Scores the images of a generative model, from the checkpoint to the number.",
    discussion: """
      Exit status: 0 done, 1 the gate says worse, 3 it cannot say, 64 usage, 65 input refused, 66 input not there, 69 weights not available, \
      70 a bug, 71 out of memory, 73 output refused, 74 reading or writing failed, 75 stopped with what \
      is done kept (run it again), 77 permission denied, 78 policy or baseline refused.

      Examples:
        dis-eval fid --ckpt model.pt --ref stats.npz --num 10000 --steps 50
        dis-eval fid --images samples/ --ref stats.npz --json
        dis-eval inspect model.pt
      """,
    version: Tool.versionAndKernels,
    subcommands: [
      FIDCommand.self, EvaluateCommand.self, MergeCommand.self, CompareCommand.self,
      RerunCommand.self,
      SweepCommand.self,
      ExportCommand.self, ExplainCommand.self,
      SampleCommand.self, FeaturesCommand.self, StatsCommand.self, WeightsCommand.self,
      InspectCommand.self,
      GateCommand.self, PlotCommand.self, ReportCommand.self, SchemaCommand.self,
      PresetsCommand.self,
      ShardCommand.self,
      BenchCommand.self,
    ])
}

@main
enum Main {
  static func main() async {
    // A closed pipe or a file size limit is an error of the write, not a reason to die.
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
    do {
      var command = try DisEvalCommand.parseAsRoot()
      if let kernels = (command as? any ComputingCommand)?.running.kernels {
        try kernels.select()
      }
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch let verdict as ExitCode {
      exit(verdict.rawValue)
    } catch let failure as Failure {
      end(failure.description, failure.status)
    } catch let error as MetricError {
      end(error.description, .dataRefused)
    } catch {
      // Help and version exit 0, a wrong command line 64; anything else was not foreseen.
      let code = DisEvalCommand.exitCode(for: error)
      if code == .success || code == .validationFailure { DisEvalCommand.exit(withError: error) }
      end("unexpected: \(error)", .internalError)
    }
  }

  private static func end(_ message: String, _ status: ExitStatus) -> Never {
    Terminal.note("dis-eval: error: \(namingOptions(message))")
    exit(status.rawValue)
  }
}
