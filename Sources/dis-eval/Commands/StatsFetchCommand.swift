import ArgumentParser
import DisEval

extension StatsCommand {
  struct Fetch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "fetch",
      abstract: "Downloads public reference statistics and checks them.",
      discussion: """
        The file goes to the cache, $XDG_CACHE_HOME/dis-eval/stats or ~/.cache/dis-eval/stats. Where \
        no SHA-256 is published, that of the first download is locked: another one is refused.

        On a machine without a network, put the file where the error message says and run the same \
        command: it is checked and locked like a download.

        Example:
          dis-eval stats fetch cifar10-edm
        """)

    @Argument(help: "A name that 'stats list' shows.")
    var name: String

    @Flag(help: "Download again what is there.")
    var again = false

    @Flag(help: "No progress and no warnings on standard error.")
    var quiet = false

    func run() async throws {
      let path = try await StatisticsCache().fetch(
        name, again: again, reporter: Terminal.reporter(quiet: quiet))
      try Terminal.result(path)
    }
  }
}
