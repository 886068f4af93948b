import ArgumentParser
import DisEval
import Foundation

struct BenchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measures the networks and the distance beside the machine's matrix product.",
    discussion: """
      Takes about half a minute. Networks have made-up weights of their true shapes.

      Example:
        dis-eval bench --threads 2 --json
      """)

  @Option(help: "Workers. (default: all processors)")
  var threads: Int?

  @Flag(help: "No progress on standard error.")
  var quiet = false

  @Flag(help: "Print the result as JSON.")
  var json = false

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads \(threads): expected 1 to 1024.")
    }
  }

  func run() async throws {
    let result = try await benchmark(
      threads: threads ?? ProcessInfo.processInfo.activeProcessorCount,
      reporter: Terminal.reporter(quiet: quiet))
    if json {
      try Terminal.result(result.json())
    } else {
      try Terminal.result(
        String(
          format: """
            sgemm            %8.1f GFLOP/s
            Inception-v3     %8.2f images/s     %.0f %% of sgemm
            DiS-S/2          %8.2f forwards/s   %.0f %% of sgemm, counting matrix products only
            Fréchet 2048     %8.2f s
            """,
          result.sgemm.gflops, result.inception.imagesPerSecond,
          100 * result.inception.shareOfSgemm, result.disS2.forwardsPerSecond,
          100 * result.disS2.shareOfSgemm, result.frechet2048.seconds)
          + "\n\(result.threads) threads, \(result.kernels)")
    }
  }
}
