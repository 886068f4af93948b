import ArgumentParser
import DisEval
import Foundation

extension StatsCommand {
  struct Make: ComputingCommand {
    static let configuration = CommandConfiguration(
      commandName: "make",
      abstract: "Writes mean and covariance of features to an .npz file, with a .json record.",
      discussion: """
        Images can be in any format that dis-eval reads, such as a folder or a zip file of PNG and \
        JPEG files, an .npz or .npy array, or an IDX file of MNIST.

        Examples:
          dis-eval stats make --images imagenet/train --recursive --crop adm --size 256 \\
            --extractor dinov2-vit-l-14.edm2 --out imagenet256-dinov2.npz
          dis-eval stats make --images train/ --extractor inception-2015,dinov2 --out train.npz
          dis-eval stats make --images train-images-idx3-ubyte.gz \\
            --weights extractor.safetensors --dataset fashion-mnist --split train \\
            --keep-features 5000 --held-out t10k-images-idx3-ubyte.gz \\
            --out stats.npz
        """)

    @Option(help: ArgumentHelp("The images.", valueName: "path"))
    var images: String

    @OptionGroup var extractor: ExtractorOptions

    @Option(help: ArgumentHelp("The .npz file to write.", valueName: "file"))
    var out: String

    @Option(help: ArgumentHelp("The name of the data set, for the record.", valueName: "name"))
    var dataset: String?

    @Option(help: ArgumentHelp("The split of the data set, for the record.", valueName: "name"))
    var split: String?

    @Option(help: "The tool whose statistics to make.")
    var dialect = Dialect.pytorchFID

    @OptionGroup var squares: CropOptions

    @OptionGroup var folders: FolderOptions

    @Option(
      help: ArgumentHelp(
        "Number of feature rows to keep, those of the first images.", valueName: "n"))
    var keepFeatures = 0

    @Option(
      help: ArgumentHelp(
        "Held-out images. Their distance is recorded as the floor.", valueName: "path"))
    var heldOut: String?

    @Option(
      help: ArgumentHelp("A description of the held-out images, for the record.", valueName: "name")
    )
    var heldOutName = "test split"

    @OptionGroup var arithmetic: PrecisionOptions

    @OptionGroup(title: "Running") var running: RunOptions

    @Flag(help: "Print the path and the record as JSON.")
    var json = false

    func validate() throws {
      if split != nil, dataset == nil { throw ValidationError("--split needs --dataset.") }
      var files = CommandFiles()
      files.readsImages("--images", images, recursive: folders.recursive)
      files.readsImages("--held-out", heldOut, recursive: folders.recursive)
      for weights in extractor.files { files.reads("--weights", weights) }
      for file in outputs { files.writesStatistics("--out", file.path) }
      try files.check(json: json)
    }

    private var outputs: [FeatureFile] { extractor.outputs(out) }

    func run() async throws {
      var maker = StatisticsMaker(
        images: images, dataset: dataset.map { Dataset(name: $0, split: split) },
        keptRows: keepFeatures,
        heldOut: heldOut.map { ($0, heldOutName) }, workload: running.workload)
      maker.dialect = dialect
      maker.crop = squares.request
      maker.recursive = folders.recursive
      maker.skipsBroken = folders.skipBroken
      maker.precision = arithmetic.precision
      let records = try await maker.write(outputs, reporter: running.reporter)
      let written = zip(outputs, records).map { WrittenStatistics(path: $0.path, record: $1) }
      if json { return try Terminal.result(WrittenStatistics.json(of: written)) }
      for (path, record) in written.map({ ($0.path, $0.record) }) {
        let floor = record.floor.map { String(format: ", floor %.4f", $0.value) } ?? ""
        try Terminal.product(
          path,
          "\(record.count ?? 0) images, \(record.extractor.dimension) dimensions, dialect "
            + "\(dialect.rawValue), \(record.features) feature rows\(floor)", quiet: running.quiet)
      }
    }
  }
}
