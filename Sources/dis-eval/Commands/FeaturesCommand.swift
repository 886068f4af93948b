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
    for weights in extractor.files { files.reads("--weights", weights) }
    for file in extractor.outputs(out) { files.writesStatistics("--out", file.path) }
    try files.check(json: json)
  }

  func run() async throws {
    var maker = FeatureMaker(images: images, workload: running.workload)
    maker.dialect = dialect
    maker.crop = squares.request
    maker.recursive = folders.recursive
    maker.skipsBroken = folders.skipBroken
    maker.spatial = spatial
    maker.precision = arithmetic.precision
    let outputs = extractor.outputs(out)
    let records = try await maker.write(outputs, reporter: running.reporter)
    let written = zip(outputs, records).map { WrittenStatistics(path: $0.path, record: $1) }
    if json { return try Terminal.result(WrittenStatistics.json(of: written)) }
    for file in written {
      try Terminal.product(
        file.path,
        "\(file.record.features) images, \(file.record.extractor.dimension) dimensions, dialect "
          + dialect.rawValue, quiet: running.quiet)
    }
  }
}
