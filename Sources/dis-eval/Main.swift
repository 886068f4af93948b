import ArgumentParser
import DisEval
import Files
import Foundation
import GenerativeMetrics
import Work

/// The root command: configuration only.
struct DisEvalCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: Tool.name,
    abstract: "Evaluates generative models: scores images, or samples of a DiS checkpoint.",
    discussion: """
      Exit status: 0 success, or the gate passed; 1 the gate found the result worse; 3 the gate or \
      rerun cannot say; 64 the command line is wrong; 65 an input was refused; 66 an input is \
      missing; 69 something required is not available; 70 an internal error; 71 too little memory; \
      73 an output cannot be created; 74 reading or writing failed; 75 interrupted, progress saved \
      (run the same command again); 77 permission denied; 78 a policy or a baseline was refused.

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
      BenchCommand.self, ReconstructCommand.self,
    ])
}

@main
enum Main {
  static func main() async {
    // A closed pipe or a file size limit makes the write fail, but does not end the process.
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
    CrashSignals.install()
    keepFreedMemory()
    let line = CurrentArguments(CommandLine.arguments.dropFirst())
    do {
      try checkDescriptors()
      try checkAddressSpace()
      try checkThreads()
      MemoryWatch.begin()
      var command: any ParsableCommand
      do {
        command = try DisEvalCommand.parseAsRoot(line.arguments)
      } catch {
        line.printNotes()
        throw error
      }
      if let kernels = (command as? any ComputingCommand)?.running.kernels {
        try kernels.select()
      }
      // These say what a signal does to their work.
      if !(command is FIDCommand || command is EvaluateCommand || command is SweepCommand) {
        StopSignals.installCleaning()
      }
      // The selection may have replaced the process with one that parses the same arguments.
      line.printNotes()
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch let verdict as ExitCode {
      GeneratorProgram.endAll(within: 5)
      exit(verdict.rawValue)
    } catch let failure as Failure {
      end(failure.description, failure.status)
    } catch let error as MetricError {
      end(error.description, .dataRefused)
    } catch {
      // Help and version exit with 0, a wrong command line with 64. Anything else is unexpected.
      let code = DisEvalCommand.exitCode(for: error)
      if code == .success { printHelp(DisEvalCommand.fullMessage(for: error)) }
      if code == .validationFailure {
        Terminal.note(escapingArguments(in: DisEvalCommand.fullMessage(for: error)))
        exit(code.rawValue)
      }
      end("unexpected: \(error)", .internalError)
    }
  }

  /// Prints help or the version, and ends the process.
  private static func printHelp(_ text: String) -> Never {
    do {
      try Terminal.result(text)
      exit(0)
    } catch {
      end(error.description, error.status)
    }
  }

  private static func end(_ message: String, _ status: ExitStatus) -> Never {
    GeneratorProgram.endAll(within: 5)
    Terminal.note("dis-eval: error: \(namingOptions(message))")
    // Without the handlers of libraries: OpenBLAS waits for a worker, which may wait for memory.
    _exit(status.rawValue)
  }

  /// Returns a message with the control characters of this process's arguments escaped, so that an
  /// argument from elsewhere cannot begin a line of its own in a log.
  private static func escapingArguments(in message: String) -> String {
    let arguments = CommandLine.arguments.dropFirst()
    let values = arguments.compactMap { argument in
      argument.unicodeScalars.firstIndex(of: "=").map {
        String(argument.unicodeScalars[argument.unicodeScalars.index(after: $0)...])
      }
    }
    return (arguments + values).filter { escaped($0) != $0 }.reduce(message) {
      $0.replacingOccurrences(of: $1, with: escaped($1), options: .literal)
    }
  }
}
