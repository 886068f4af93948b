import ArgumentParser
import DisEval
import Files
import Foundation

struct WeightsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "weights",
    abstract: "Fetches, converts and checks the weights of the Inception network.",
    discussion: """
      The weights lie in the user's cache, $XDG_CACHE_HOME/dis-eval or ~/.cache/dis-eval, where \
      every other command finds them. Nothing but 'weights fetch' ever downloads them.
      """,
    subcommands: [Fetch.self, Import.self, Verify.self, List.self])

  struct Fetch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "fetch",
      abstract: "Downloads published weights and converts them into the cache.",
      discussion: """
        An interrupted download is continued by the next call. A file whose SHA-256 is not the \
        published one is removed.

        Examples:
          dis-eval weights fetch
          dis-eval weights fetch nvidia
          dis-eval weights fetch pytorch-fid --from https://mirror.example/inception.pth
        """)

    @Argument(
      help: ArgumentHelp(
        "Whose file: \(PublishedWeights.all.map(\.name).joined(separator: ", "))."))
    var name = PublishedWeights.all[0].name

    @Option(
      name: .customLong("from"), help: ArgumentHelp("Another address of it.", valueName: "url"))
    var address: String?

    @Flag(help: "Print what was fetched as JSON.")
    var json = false

    @Flag(help: "No progress and no warnings on standard error.")
    var quiet = false

    func validate() throws {
      guard PublishedWeights.all.contains(where: { $0.name == name }) else {
        let names = PublishedWeights.all.map(\.name).joined(separator: ", ")
        throw ValidationError("'\(name)': expected one of \(names).")
      }
    }

    func run() async throws {
      for weights in PublishedWeights.all where weights.name == name {
        let record = try await WeightStore.user.fetch(
          weights, from: address, reporter: Terminal.reporter(quiet: quiet))
        try WeightsCommand.show(record, json: json)
      }
    }
  }

  struct Import: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "import",
      abstract: "Recognises weights by content and converts them into the cache.",
      discussion: """
        Reads pytorch-fid's and torch-fidelity's .pth, TensorFlow's classify_image_graph_def.pb, \
        NVIDIA's inception-2015-12-05.pt, and what this command has written.

        Examples:
          dis-eval weights import classify_image_graph_def.pb
          dis-eval weights import inception-2015-12-05.pt --out inception.safetensors
        """)

    @Argument(help: "The file.")
    var file: String

    @Option(help: ArgumentHelp("Where it goes instead of the cache.", valueName: "safetensors"))
    var out: String?

    @Flag(help: "Print what was recognised as JSON.")
    var json = false

    func validate() throws {
      var files = CommandFiles()
      files.reads("the input", file)
      files.writes("--out", out)
      try files.check(json: json)
    }

    func run() throws {
      try WeightsCommand.show(WeightStore.user.convert(file, to: out), json: json)
    }
  }

  struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "verify",
      abstract: "Reads weights as a whole, and says what they are and where they came from.")

    @Argument(help: "The file. (default: what is in the cache)")
    var file: String?

    @Flag(help: "Print everything as JSON.")
    var json = false

    func run() throws { try WeightsCommand.show(WeightStore.user.describe(file), json: json) }
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "list", abstract: "Lists the published files and what is in the cache.")

    func run() throws {
      for weights in PublishedWeights.all {
        try Terminal.result(
          """
          \(weights.name): \(weights.file) of \(weights.publisher)
            address   \(weights.address)
            sha256    \(weights.sha256 ?? "none is published")
            bytes     \(weights.bytes.map(String.init) ?? "unknown")
          """)
      }
      let store = WeightStore.user
      do {
        let record = try store.describe(nil)
        try Terminal.result("cache: \(escaped(record.path)), from \(escaped(record.sourceFile))")
      } catch let failure as Failure where failure.code == .weightsUnavailable {
        try Terminal.result("cache: nothing in \(escaped(store.folder))")
      }
    }
  }

  fileprivate static func show(_ record: WeightsRecord, json: Bool) throws {
    if json { return try Terminal.result(record.json()) }
    try Terminal.result(
      """
      \(escaped(record.path)): \(record.architecture)
        from             \(escaped(record.sourceFile)), \(escaped(record.layout))
        sha256           \(escaped(record.sourceSha256))
        published        \(record.published ? "yes" : "no")
        tensors sha256   \(record.tensorsSha256 ?? "not converted")
      """)
  }
}
