import ArgumentParser
import DisEval
import Files
import Foundation
import Results

struct WeightsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "weights",
    abstract: "Fetches, converts and checks the weights of feature extractors.",
    discussion: """
      The weights are stored in the user's cache, $XDG_CACHE_HOME/dis-eval or ~/.cache/dis-eval, \
      where every other command finds them. Only 'weights fetch' downloads them.

      Examples:
        dis-eval weights fetch
        dis-eval weights fetch dinov2-vit-l-14
        dis-eval weights import classify_image_graph_def.pb
        dis-eval weights verify
      """,
    subcommands: [Fetch.self, Import.self, Verify.self, List.self])

  struct Fetch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "fetch",
      abstract: "Downloads published weights into the cache.",
      discussion: """
        Files of Inception are converted to one form, of which the cache has one; those of other networks are kept \
        as they are. If a file has a published SHA-256, the next call continues an interrupted download, and a \
        file with a different SHA-256 is removed.

        Examples:
          dis-eval weights fetch
          dis-eval weights fetch nvidia
          dis-eval weights fetch dinov2-vit-l-14
          dis-eval weights fetch --again
          dis-eval weights fetch pytorch-fid \\
            --from https://mirror.example/inception.pth
        """)

    @Argument(
      help: ArgumentHelp(
        "The file to fetch: \(PublishedWeights.all.map(\.name).joined(separator: ", "))."))
    var name = PublishedWeights.all[0].name

    @Option(
      name: .customLong("from"),
      help: ArgumentHelp("A different address of the file.", valueName: "url"))
    var address: String?

    @Flag(help: "Download and convert the file even if that was done before.")
    var again = false

    @Flag(help: "Print the description of the weights as JSON.")
    var json = false

    @Flag(help: "Do not print progress or warnings.")
    var quiet = false

    /// The name of the file, of which an extractor may be given instead.
    private var file: String { (try? ExtractorName(name))?.architecture ?? name }

    func validate() throws {
      guard PublishedWeights.all.contains(where: { $0.name == file }) else {
        let names = PublishedWeights.all.map(\.name).joined(separator: ", ")
        throw ValidationError("'\(name)': expected one of \(names).")
      }
    }

    func run() async throws {
      for weights in PublishedWeights.all where weights.name == file {
        let record = try await WeightStore.user.fetch(
          weights, from: address, again: again, reporter: Terminal.reporter(quiet: quiet))
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
        NVIDIA's inception-2015-12-05.pt, and files that this command has written.

        Examples:
          dis-eval weights import classify_image_graph_def.pb
          dis-eval weights import inception-2015-12-05.pt --out inception.safetensors
        """)

    @Argument(help: "The file to import.")
    var file: String

    @Option(
      help: ArgumentHelp("The .safetensors file to write, instead of the cache.", valueName: "file")
    )
    var out: String?

    @Flag(help: "Print the description of the weights as JSON.")
    var json = false

    func validate() throws {
      var files = CommandFiles()
      files.reads("the input", file)
      files.writes("--out", out)
      try files.check(json: json)
    }

    func run() throws {
      let record = try WeightStore.user.convert(file, to: out)
      if json { return try Terminal.result(record.json()) }
      try Terminal.product(
        record.path,
        "\(record.architecture) from \(escaped(record.sourceFile)), \(escaped(record.layout)), "
          + "\(record.published ? "published" : "not published")")
    }
  }

  struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "verify",
      abstract:
        "Reads all weights in a file, and describes what they are and where they came from.",
      discussion: """
        Examples:
          dis-eval weights verify
          dis-eval weights verify inception.safetensors --json
        """)

    @Argument(help: "The file. (default: the weights of Inception in the cache)")
    var file: String?

    @Option(
      help: ArgumentHelp(
        "The extractor, which must be given for MAE: mae-vit-l-16.fdr.", valueName: "name"))
    var extractor: String?

    @Flag(help: "Print the description of the weights as JSON.")
    var json = false

    func run() throws {
      let name = try extractor.map { text throws(Failure) in try ExtractorName(text) }
      try WeightsCommand.show(WeightStore.user.describe(file, name: name), json: json)
    }
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "list",
      abstract: "Lists the published files and the weights in the cache.",
      discussion: """
        Examples:
          dis-eval weights list
          dis-eval weights list --json
        """)

    @Flag(help: "Print the list as JSON.")
    var json = false

    /// The list as JSON, with null for an empty cache.
    private struct Document: Encodable {
      let published = PublishedWeights.all
      let folder: String
      @EncodedNull var cached: WeightsRecord?
    }

    func run() throws {
      let store = WeightStore.user
      if json {
        return try Terminal.result(
          encodedJSON(Document(folder: store.folder, cached: try cached(in: store))))
      }
      for weights in PublishedWeights.all {
        try Terminal.result(
          """
          \(weights.name): \(weights.file) from \(weights.publisher)
            address   \(weights.address)
            sha256    \(weights.sha256 ?? "not published")
            bytes     \(weights.bytes.map(String.init) ?? "unknown")
          """
            + (store.hasFile(of: weights)
              ? "\n  cached    \(escaped(store.path(of: weights)))" : ""))
      }
      try Terminal.result(
        try cached(in: store).map { "cache: \(escaped($0.path)), from \(escaped($0.sourceFile))" }
          ?? "cache: nothing in \(escaped(store.folder))")
    }

    /// Returns the description of the weights in the cache; nil if there are none.
    private func cached(in store: WeightStore) throws -> WeightsRecord? {
      do {
        return try store.describe(nil)
      } catch let failure as Failure where failure.code == .weightsUnavailable {
        return nil
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
