import ArgumentParser

struct StatsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stats",
    abstract: "Makes, fetches, checks and converts reference statistics.",
    subcommands: [
      Make.self, List.self, Fetch.self, Verify.self, Show.self, Convert.self,
    ])
}
