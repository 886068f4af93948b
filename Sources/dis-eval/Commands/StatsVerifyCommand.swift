import ArgumentParser
import DisEval
import Files

extension StatsCommand {
  struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "verify",
      abstract: "Checks statistics against what is known of them.",
      discussion: """
        The hash against the registry, the lock of the first download and the record; the covariance \
        for symmetry and negative eigenvalues; the dimension. Without an argument, all that were \
        fetched.

        Examples:
          dis-eval stats verify
          dis-eval stats verify reference_stats/fashion-mnist-train.npz
        """)

    @Argument(help: "A file, or a name of 'stats list' that was fetched.")
    var file: String?

    func run() throws {
      let files = try file.map { [$0] } ?? StatisticsCache().fetchedNames
      guard !files.isEmpty else {
        throw Failure(
          .inputMissing, .nothingFetched, "the cache", "no statistics were fetched yet")
      }
      var first: Failure?
      for file in files {
        do {
          let it = try StatisticsDescription(reference: file)
          let known =
            it.verifiedBy.isEmpty
            ? "its hash is not known" : "hash as in the " + it.verifiedBy.joined(separator: ", ")
          try Terminal.result(
            "\(escaped(file)): good; \(known); \(it.dimension) dimensions, rank \(it.rank), trace "
              + "\(it.trace)")
        } catch let failure as Failure where failure.status != .inputOutput {
          // The others are looked at all the same.
          if files.count > 1 { Terminal.note("dis-eval: \(namingOptions(failure.description))") }
          first = first ?? failure
        }
      }
      if let first { throw first }
    }
  }
}
