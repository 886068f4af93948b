import ArgumentParser
import DisEval

struct FeaturesCommand: ComputingCommand {
  static let configuration = CommandConfiguration(
    commandName: "features",
    abstract: "Writes the features of images to an .npz file, with a .json record beside it.",
    discussion: """
      The arrays are features [N, D] and logits [N, K] in float32, and mu and sigma in float64. \
      With --spatial, the features of sFID are added. The file can also be used as reference \
      statistics: --ref, 'stats show' and 'inspect' read it.

      Example:
        dis-eval features --images samples/ --weights extractor.safetensors \\
          --out features.npz
      """)

  @Option(help: ArgumentHelp("The images.", valueName: "path"))
  var images: String

  @OptionGroup var extractor: ExtractorOptions

  @Option(help: ArgumentHelp("The .npz file to write.", valueName: "file"))
  var out: String

  @Option(help: "The tool whose preparation of images to follow.")
  var dialect = Dialect.pytorchFID

  @OptionGroup var squares: CropOptions

  @OptionGroup var folders: FolderOptions

  @Flag(help: "Also write the features of sFID, [N, S], if the extractor has them.")
  var spatial = false

  @OptionGroup var arithmetic: PrecisionOptions

  @OptionGroup(title: "Running") var running: RunOptions

  @Flag(help: "Print the path and the record as JSON.")
  var json = false

  func validate() throws {
    var files = CommandFiles()
    files.readsImages("--images", images, recursive: folders.recursive)
    files.reads("--weights", extractor.weights)
    files.writesStatistics("--out", out)
    try files.check(json: json)
  }

  func run() async throws {
    var maker = FeatureMaker(images: images, weights: extractor.weights, workload: running.workload)
    maker.extractor = extractor.name
    maker.dialect = dialect
    maker.crop = squares.request
    maker.recursive = folders.recursive
    maker.skipsBroken = folders.skipBroken
    maker.spatial = spatial
    maker.precision = arithmetic.precision
    let record = try await maker.write(to: out, reporter: running.reporter)
    if json { return try Terminal.result(WrittenStatistics(path: out, record: record).json()) }
    try Terminal.product(
      out,
      "\(record.features) images, \(record.extractor.dimension) dimensions, dialect "
        + dialect.rawValue, quiet: running.quiet)
  }
}
