import ArgumentParser
import DisEval

struct FeaturesCommand: ComputingCommand {
  static let configuration = CommandConfiguration(
    commandName: "features",
    abstract: "Writes the features of images as .npz, and a record as .json beside it.",
    discussion: """
      Arrays: features [N, D] and logits [N, K] in float32, mu and sigma in float64; with --spatial \
      the features of sFID too. The file is reference statistics as well: --ref, 'stats show' and \
      'inspect' read it.

      Example:
        dis-eval features --images samples/ --weights extractor.safetensors \\
          --out features.npz
      """)

  @Option(help: ArgumentHelp("The images.", valueName: "path"))
  var images: String

  @Option(
    help: ArgumentHelp(
      "Weights of the extractor. (default: Inception in the user's cache)", valueName: "file"))
  var weights: String?

  @Option(help: ArgumentHelp("Where the features go.", valueName: "npz"))
  var out: String

  @Option(help: "The tool in whose way images are prepared.")
  var dialect = Dialect.pytorchFID

  @OptionGroup var folders: FolderOptions

  @Flag(help: "Write the features of sFID, [N, S], where the extractor has them.")
  var spatial = false

  @OptionGroup var arithmetic: PrecisionOptions

  @OptionGroup(title: "Running") var running: RunOptions

  func validate() throws {
    var files = CommandFiles()
    files.readsImages("--images", images, recursive: folders.recursive)
    files.reads("--weights", weights)
    files.writesStatistics("--out", out)
    try files.check()
  }

  func run() async throws {
    var maker = FeatureMaker(images: images, weights: weights, workload: running.workload)
    maker.dialect = dialect
    maker.recursive = folders.recursive
    maker.spatial = spatial
    maker.precision = arithmetic.precision
    let record = try await maker.write(to: out, reporter: running.reporter)
    try Terminal.result(
      "\(out): \(record.features) images, \(record.extractor.dimension) dimensions, dialect "
        + dialect.rawValue)
  }
}
