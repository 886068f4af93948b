import ArgumentParser
import DisEval
import Files

extension StatsCommand {
  struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "verify",
      abstract: "Verifies statistics.",
      discussion: """
        Compares the hash with the registry, the lock of the first download and the record, and \
        checks the dimension, and the covariance for symmetry and negative eigenvalues. Without an \
        argument, verifies all fetched statistics.

        Examples:
          dis-eval stats verify
          dis-eval stats verify reference_stats/fashion-mnist-train.npz
        """)

    @Argument(help: "A file, or the name of fetched statistics. (default: all fetched statistics)")
    var file: String?

    func run() throws {
      let files = try file.map { [$0] } ?? StatisticsCache().fetchedNames
      guard !files.isEmpty else {
        throw Failure(
          .inputMissing, .nothingFetched, "the cache", "no statistics have been fetched yet")
      }
      var first: Failure?
      for file in files {
        do {
          let it = try StatisticsDescription(reference: file)
          let known =
            it.verifiedBy.isEmpty
            ? "its hash is unknown" : "hash as in the " + it.verifiedBy.joined(separator: ", ")
          try Terminal.result(
            "\(escaped(file)): good; \(known); \(it.dimension) dimensions, rank \(it.rank), trace "
              + "\(it.trace)")
        } catch let failure as Failure where failure.status != .inputOutput {
          // Verify the others as well.
          if files.count > 1 { Terminal.note("dis-eval: \(namingOptions(failure.description))") }
          first = first ?? failure
        }
      }
      if let first { throw first }
    }
  }
}
