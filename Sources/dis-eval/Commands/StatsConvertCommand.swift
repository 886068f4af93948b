import ArgumentParser
import DisEval
import Results

extension StatsCommand {
  struct Convert: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "convert",
      abstract: "Converts statistics to an .npz file, with a .json record beside it.",
      discussion: """
        mu and sigma are written in float64, which every tool can read. Pickles are read but never \
        written, because loading one in Python can run arbitrary code.

        --dialect, --count and --resolution assert facts that the file does not contain. The \
        record marks them as asserted.

        Example:
          dis-eval stats convert img512.pkl img512.npz --dialect edm
        """)

    @Argument(help: "A file, or the name of fetched statistics.")
    var input: String

    @Argument(help: "The file to write.")
    var output: String

    @Option(help: "The dialect of the features.")
    var dialect: Dialect?

    @Option(help: "The number of images.")
    var count: Int?

    @Option(help: "The side of the images in pixels.")
    var resolution: Int?

    @Option(help: "Number of feature rows to keep, those of the first images.")
    var features = 0

    func validate() throws {
      if let count, count < 2 { throw ValidationError("--count \(count): expected at least 2.") }
      if let resolution, !(1...65536).contains(resolution) {
        throw ValidationError("--resolution \(resolution): expected 1 to 65536.")
      }
      guard features >= 0 else {
        throw ValidationError("--features \(features): expected at least 0.")
      }
      var files = CommandFiles()
      files.readsReference("the input", input)
      files.writesStatistics("the output", output)
      try files.check()
    }

    func run() throws {
      var conversion = try StatisticsConversion(reference: input)
      conversion.dialect = dialect
      conversion.count = count
      conversion.resolution = resolution
      conversion.keptRows = features
      let record = try conversion.write(to: output)
      var facts = ["\(conversion.input.dimension) dimensions"]
      facts.append("\(record.count.map(String.init) ?? "unknown") images")
      facts.append("dialect \(record.dialect?.rawValue ?? "unknown")")
      if let asserted = record.asserted {
        facts.append("asserted: " + asserted.joined(separator: ", "))
      }
      try Terminal.result("\(output): " + facts.joined(separator: "; "))
    }
  }
}

/// A statistics file that was written, as JSON.
struct WrittenStatistics: Encodable {
  /// The path of the file.
  let path: String
  /// The content of the record beside it.
  let record: StatisticsRecord

  func json() throws -> [UInt8] { try encodedJSON(self) }
}
