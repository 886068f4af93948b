import ArgumentParser
import DisEval
import Files
import Results

extension StatsCommand {
  struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "verify",
      abstract: "Verifies statistics.",
      discussion: """
        Compares the hash with the registry, the lock of the first download and the record, and \
        checks the dimension, and the covariance for symmetry and negative eigenvalues. Of a file with the \
        statistics of several extractors, all are verified. Without an \
        argument, verifies all fetched statistics.

        Examples:
          dis-eval stats verify
          dis-eval stats verify reference_stats/fashion-mnist-train.npz
        """)

    @Argument(help: "A file, or the name of fetched statistics. (default: all fetched statistics)")
    var file: String?

    @Flag(help: "Print the findings as JSON.")
    var json = false

    /// The findings as JSON.
    private struct Document: Encodable {
      struct File: Encodable {
        let file: String
        let good: Bool
        var description: StatisticsDescription?
        var error: String?
      }
      var statistics: [File] = []
    }

    /// Returns the descriptions of all statistics in a file.
    private func descriptions(_ file: String) throws -> [StatisticsDescription] {
      let first = try StatisticsDescription(reference: file)
      let others = (first.parts ?? []).filter { $0 != first.part }
      return [first] + (try others.map { try StatisticsDescription(reference: file, part: $0) })
    }

    func run() throws {
      let files = try file.map { [$0] } ?? StatisticsCache().fetchedNames
      guard !files.isEmpty else {
        throw Failure(
          .inputMissing, .nothingFetched, "the cache", "no statistics have been fetched yet")
      }
      var first: Failure?
      var document = Document()
      for file in files {
        do {
          for it in try descriptions(file) {
            document.statistics.append(.init(file: file, good: true, description: it))
            if json { continue }
            let known =
              it.verifiedBy.isEmpty
              ? "its hash is unknown" : "hash as in the " + it.verifiedBy.joined(separator: ", ")
            let part = it.part.map { ", part \(escaped($0))" } ?? ""
            try Terminal.result(
              "\(escaped(file))\(part): good; \(known); \(it.dimension) dimensions, rank \(it.rank), trace "
                + "\(it.trace)")
          }
        } catch let failure as Failure where failure.status != .inputOutput {
          // Verify the others as well.
          document.statistics.append(
            .init(file: file, good: false, error: namingOptions(failure.description)))
          if files.count > 1, !json {
            Terminal.note("dis-eval: \(namingOptions(failure.description))")
          }
          first = first ?? failure
        }
      }
      if json { try Terminal.result(encodedJSON(document)) }
      if let first { throw first }
    }
  }
}
