import ArgumentParser
import DisEval

extension StatsCommand {
  struct Fetch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "fetch",
      abstract: "Downloads public reference statistics and verifies them.",
      discussion: """
        The file is stored in the cache, $XDG_CACHE_HOME/dis-eval/stats or \
        ~/.cache/dis-eval/stats. If no SHA-256 has been published, that of the first download is \
        locked, and later downloads with a different SHA-256 are refused.

        On a machine without a network, give a copy of the file with --from. It is checked and \
        locked like a download.

        Examples:
          dis-eval stats fetch cifar10-edm
          dis-eval stats fetch cifar10-edm --from ~/Downloads/cifar10-32x32.npz
        """)

    @Argument(help: "A name from 'stats list'.")
    var name: String

    @Option(
      name: .customLong("from"),
      help: ArgumentHelp(
        "A different address of the file, or a local copy of it.", valueName: "url|file"))
    var source: String?

    @Flag(help: "Fetch the file even if it exists.")
    var again = false

    @Flag(help: "Do not print progress or warnings.")
    var quiet = false

    func run() async throws {
      let path = try await StatisticsCache().fetch(
        name, from: source, again: again, reporter: Terminal.reporter(quiet: quiet))
      try Terminal.result(path)
    }
  }
}
