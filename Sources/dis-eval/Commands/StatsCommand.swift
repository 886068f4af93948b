import ArgumentParser

struct StatsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stats",
    abstract: "Makes, fetches, verifies and converts reference statistics.",
    discussion: """
      Examples:
        dis-eval stats list imagenet
        dis-eval stats fetch cifar10-edm
        dis-eval stats make --images photos/ --out photos.npz
      """,
    subcommands: [
      Make.self, List.self, Fetch.self, Verify.self, Show.self, Convert.self,
    ])
}
