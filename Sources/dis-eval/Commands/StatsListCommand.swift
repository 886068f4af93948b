import ArgumentParser
import DisEval

extension StatsCommand {
  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "list",
      abstract: "Lists the public reference statistics that dis-eval knows by name.",
      discussion: """
        A question mark means that no source states the value.

        Examples:
          dis-eval stats list
          dis-eval stats list imagenet
        """)

    @Argument(help: "List only names that contain this text.")
    var part = ""

    @Flag(help: "Print the list as JSON.")
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
