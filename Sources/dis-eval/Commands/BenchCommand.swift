import ArgumentParser
import DisEval
import Files
import Foundation

struct BenchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measures networks and the Fréchet distance against the machine's peak throughput.",
    discussion: """
      Without --only, measures sgemm, inception, dis-s2, decoder-256 and frechet-2048, which takes \
      about half a minute. The networks have their real shapes, but synthetic weights. The share \
      of the peak counts the operations of the definition, so methods that need fewer operations can \
      exceed 100 %.

      Examples:
        dis-eval bench
        dis-eval bench --threads 2 --only inception --only dis-s2-4097 --json
        dis-eval bench --layers
        dis-eval bench --only dis-s2 --only dis-s2-1025 --only dis-s2-4097 \\
          --out bench.json
      """)

  @Option(help: ArgumentHelp("Number of worker threads. (default: all processors)", valueName: "n"))
  var threads: Int?

  @Option(
    help: ArgumentHelp(
      "Measure only this; may be repeated: "
        + "\(BenchmarkCase.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "name"))
  var only: [BenchmarkCase] = []

  @Option(help: ArgumentHelp("Minimum seconds for each measurement.", valueName: "seconds"))
  var seconds = 2.0

  @Flag(help: "Measure each layer of Inception-v3 on one thread instead, as a table.")
  var layers = false

  @Option(help: ArgumentHelp("Also write the result to this file, as JSON.", valueName: "file"))
  var out: String?

  @Flag(help: "Do not print progress or notes.")
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
    if layers, threads != nil || !only.isEmpty || out != nil || json {
      throw ValidationError("--layers allows only --quiet.")
    }
    var files = CommandFiles()
    files.writes("--out", out)
    try files.check(json: json)
  }

  func run() async throws {
    if layers { return try Terminal.result(Self.table(of: inceptionOperations())) }
    if let out { try AtomicFile.check(out) }
    let result = try await benchmark(
      only.isEmpty ? BenchmarkCase.usual : only,
      threads: threads ?? ProcessInfo.processInfo.activeProcessorCount, seconds: seconds,
      reporter: Terminal.reporter(quiet: quiet))
    let document = try result.json()
    if let out { try AtomicFile.write(document, to: out) }
    Terminal.wrote(out, quiet: quiet)
    if json {
      try Terminal.result(document)
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

extension BenchCommand {
  /// Returns the table of the layers, in Markdown.
  private static func table(of operations: [OperationShare]) -> String {
    let rows = operations.map { row in
      "| \(row.count) | \(row.name) | \(row.method) | "
        + String(format: "%.2f | %.1f %% | ", 1e3 * row.seconds, 100 * row.share)
        + (row.gflops > 0 ? String(format: "%.0f |", row.gflops) : "|")
    }
    let total = operations.reduce(0) { $0 + $1.seconds }
    return
      (["| | layer | method | ms for an image | share | GFLOP/s |", "|---|---|---|---|---|---|"]
      + rows + [String(format: "| | all | | %.2f | 100 %% | |", 1e3 * total)])
      .joined(separator: "\n")
  }
}

extension BenchmarkCase: ExpressibleByArgument {}
