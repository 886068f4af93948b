import ArgumentParser
import DisEval
import Foundation

struct BenchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measures the networks and the distance beside the machine's matrix product.",
    discussion: """
      Takes about half a minute. Networks have made-up weights of their true shapes. A share of the
      peak counts the operations of the definition; methods that make fewer can exceed 100 %.

      Examples:
        dis-eval bench
        dis-eval bench --threads 2 --only inception --only dis-s2-4097 --json
      """)

  @Option(help: "Workers. (default: all processors)")
  var threads: Int?

  @Option(
    help: ArgumentHelp(
      "Measure this alone; may be repeated: \(BenchmarkCase.allCases.map(\.rawValue).joined(separator: ", ")).",
      valueName: "name"))
  var only: [BenchmarkCase] = []

  @Option(help: ArgumentHelp("Least seconds for each.", valueName: "seconds"))
  var seconds = 2.0

  @Flag(help: "No progress on standard error.")
  var quiet = false

  @Flag(help: "Print the result as JSON.")
  var json = false

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads \(threads): expected 1 to 1024.")
    }
    if !(seconds > 0 && seconds <= 3600) {
      throw ValidationError("--seconds \(seconds): expected a number in (0, 3600].")
    }
  }

  func run() async throws {
    let result = try await benchmark(
      only.isEmpty ? BenchmarkCase.usual : only,
      threads: threads ?? ProcessInfo.processInfo.activeProcessorCount, seconds: seconds,
      reporter: Terminal.reporter(quiet: quiet))
    if json {
      try Terminal.result(result.json())
    } else {
      let lines = result.measurements.map { m in
        let share = m.shareOfPeak.map { String(format: "%.0f %%", 100 * $0) } ?? ""
        return [
          m.name, String(format: "%.3f %@/s", m.perSecond, m.unit as NSString), share,
          String(format: "of %.0f GFLOP/s", m.peakGflops),
        ]
      }
      try Terminal.result(
        Terminal.table(lines) + "\n\(result.threads) threads, \(result.kernels)")
    }
  }
}

extension BenchmarkCase: ExpressibleByArgument {}
