import ArgumentParser
import Results

extension Schema: ExpressibleByArgument {}

struct SchemaCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schema",
    abstract:
      "Prints the JSON schemas of all documents that are written or read.",
    discussion: """
      Examples:
        dis-eval schema
        dis-eval schema policy > policy.schema.json
      """)

  @Argument(help: "Which. (default: lists the names)")
  var name: Schema?

  func run() throws {
    if let name {
      try Terminal.result(name.json)
    } else {
      try Terminal.result(Schema.allCases.map(\.rawValue).joined(separator: "\n"))
    }
  }
}
