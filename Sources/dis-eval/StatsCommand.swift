import ArgumentParser
import DisEval
import Foundation

struct StatsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stats",
    abstract: "Makes reference statistics from images.",
    subcommands: [Make.self], defaultSubcommand: Make.self)
}
