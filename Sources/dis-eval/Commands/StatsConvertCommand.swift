import ArgumentParser
import DisEval
import Results

extension StatsCommand {
  struct Convert: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "convert",
      abstract: "Converts statistics to an .npz file, with a .json record beside it.",
      usage: "dis-eval stats convert <file> --out <file> [<options>]",
      discussion: """
        mu and sigma are written in float64, which every tool can read. Pickles are read but never \
        written, because loading one in Python can run arbitrary code.

        --dialect, --num and --image-side assert facts that the file does not contain. The \
        record marks them as asserted.

        Examples:
          dis-eval stats convert img512.pkl --out img512.npz --dialect edm
          dis-eval stats convert img512.pkl --part fd_dinov2 --out dinov2.npz
        """)

    @Argument(help: ArgumentHelp("A file, or the name of fetched statistics.", valueName: "file"))
    var input: String

    /// The former place of `--out`.
    @Argument(help: .hidden)
    var formerOutput: String?

    @Option(help: ArgumentHelp("The .npz file to write.", valueName: "file"))
    var out: String?

    @Option(
      help: ArgumentHelp(
        "The statistics to take from a file with those of several extractors. (default: fid, or the only ones)",
        valueName: "name"))
    var part: String?

    @Option(help: "The dialect of the features.")
    var dialect: Dialect?

    @Option(help: ArgumentHelp("The number of images.", valueName: "n"))
    var num: Int?

    @Option(help: ArgumentHelp("The side of the images in pixels.", valueName: "pixels"))
    var imageSide: Int?

    @Option(
      help: ArgumentHelp(
        "Number of feature rows to keep, those of the first images.", valueName: "n"))
    var keepFeatures = 0

    @Flag(help: "Print the path and the record as JSON.")
    var json = false

    private var output: String { out ?? formerOutput ?? "" }

    func validate() throws {
      guard (out == nil) != (formerOutput == nil) else {
        throw ValidationError(
          out == nil ? "Missing expected argument '--out <file>'." : "Expected one path and --out.")
      }
      var files = CommandFiles()
      files.readsReference("the input", input)
      files.writesStatistics("--out", output)
      try files.check(json: json)
    }

    func run() throws {
      if formerOutput != nil { Terminal.note(renaming: "the second path", to: "--out") }
      var conversion = try StatisticsConversion(reference: input, part: part)
      conversion.dialect = dialect
      conversion.count = num
      conversion.resolution = imageSide
      conversion.keptRows = keepFeatures
      let record = try conversion.write(to: output)
      if json { return try Terminal.result(WrittenStatistics(path: output, record: record).json()) }
      var facts = ["\(conversion.input.dimension) dimensions"]
      facts.append("\(record.count.map(String.init) ?? "unknown") images")
      facts.append("dialect \(record.dialect?.rawValue ?? "unknown")")
      if let asserted = record.asserted {
        facts.append("asserted: " + asserted.joined(separator: ", "))
      }
      try Terminal.product(output, facts.joined(separator: "; "))
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

  /// Returns the JSON of one file, or an array of several.
  static func json(of files: [WrittenStatistics]) throws -> [UInt8] {
    try files.count == 1 ? files[0].json() : encodedJSON(files)
  }
}
