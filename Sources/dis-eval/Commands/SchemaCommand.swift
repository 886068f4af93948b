import ArgumentParser
import Results

extension Schema: ExpressibleByArgument {}

struct SchemaCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schema",
    abstract: "Prints the JSON schemas of results, policies and other documents.",
    discussion: """
      Without a name, lists all schemas. The JSON of explain, features, inspect, presets, sample, \
      shard, stats and weights, and that of a run has no schema.

      Examples:
        dis-eval schema
        dis-eval schema policy > policy.schema.json
      """)

  @Argument(help: "The name of a schema. (default: list all names)")
  var name: Schema?

  func run() throws {
    if let name {
      try Terminal.result(name.json)
    } else {
      try Terminal.result(Schema.allCases.map(\.rawValue).joined(separator: "\n"))
    }
  }
}
