import ArgumentParser
import DisEval

extension StatsCommand {
  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "list",
      abstract: "Lists the public reference statistics that are known by name.",
      discussion: """
        A question mark stands for what no source states.

        Examples:
          dis-eval stats list
          dis-eval stats list imagenet
        """)

    @Argument(help: "Only names with this in them.")
    var part = ""

    @Flag(help: "Print everything as JSON.")
    var json = false

    func run() throws {
      let cache = try StatisticsCache()
      let entries = cache.registry.entries.filter { part.isEmpty || $0.name.contains(part) }
      if json { return try Terminal.result(try cache.json(entries)) }
      let rows = entries.map { entry in
        [
          entry.name, entry.count.map(String.init) ?? "?", entry.resolution.map(String.init) ?? "?",
          entry.dialect?.rawValue ?? "?", cache.has(entry) ? "cached" : "-", entry.address,
        ]
      }
      try Terminal.result(
        Terminal.table([["NAME", "N", "SIDE", "DIALECT", "CACHE", "ADDRESS"]] + rows))
    }
  }
}
