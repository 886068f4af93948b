import ArgumentParser
import DisEval
import Files
import Foundation

struct FIDCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fid",
    abstract: "Fréchet distance and classifier score of a checkpoint's samples or of images.",
    discussion: """
      With the Inception-2015 graph the metrics are called fid and is, with any other extractor fd \
      (Fréchet distance) and cs (classifier score).

      Examples:
        dis-eval fid --ckpt model.pt --ref reference_stats/fashion-mnist-train.npz \\
          --num 2000 --sampler dpm-solver++ --steps 16 --cfg-scale 2 --grid samples.png
        dis-eval fid --images samples/ --ref stats.npz --weights inception.pth --json
      """)

  @Option(help: ArgumentHelp("DiS checkpoint to sample.", valueName: "file"))
  var ckpt: String?

  @Option(help: ArgumentHelp("Images or a statistics file to judge.", valueName: "path"))
  var images: String?

  @Option(help: ArgumentHelp("Images or a statistics file to compare with.", valueName: "path"))
  var ref: String?

  @Option(
    help: ArgumentHelp(
      "Weights of the feature extractor. (default: what the reference names)", valueName: "file"))
  var weights: String?

  @Option(help: "Number of samples. (default: 50000)")
  var num: Int?

  @OptionGroup(title: "Sampling") var sampling: SamplingOptions
  @OptionGroup(title: "Running") var running: RunOptions

  @Option(help: ArgumentHelp("Also write the JSON result there.", valueName: "file"))
  var out: String?

  @Option(help: ArgumentHelp("Write a contact sheet of the samples there.", valueName: "png"))
  var grid: String?

  @Option(
    help: ArgumentHelp(
      "Keep the samples: a new folder of PNG files, or a .npz file.", valueName: "path"))
  var saveImages: String?

  @Flag(help: "Print the result as JSON.")
  var json = false

  func validate() throws {
    guard (ckpt == nil) != (images == nil) else {
      throw ValidationError("Give either --ckpt or --images.")
    }
    guard ref != nil else {
      throw ValidationError(
        "Give --ref: images, or a statistics file such as "
          + "reference_stats/fashion-mnist-train.npz.")
    }
    if images != nil {
      guard grid == nil, saveImages == nil, num == nil, sampling.isUntouched else {
        throw ValidationError(
          "--num, --grid, --save-images and the options of sampling are for --ckpt: all images are "
            + "scored.")
      }
    }
    if let num, num < 1 { throw ValidationError("--num \(num): expected at least 2.") }
  }

  func run() async throws {
    guard let ref else { return }
    // Outputs first: one that cannot be written is refused before hours of work.
    for path in [out, grid].compactMap(\.self) { try AtomicFile.check(path) }
    var saved = try saveImages.map { try ImageOutput(path: $0) }

    let subject: Evaluation.Subject
    var sheet = SampleGrid(classCount: nil)
    if let ckpt {
      let generator = try Generator(
        checkpoint: ckpt, key: sampling.checkpointKey, settings: sampling.settings())
      sheet = SampleGrid(classCount: generator.checkpoint.model.numClasses)
      subject = .samples(generator, count: num ?? 50_000)
    } else {
      subject = .existing(path: images ?? "")
    }
    let evaluation = Evaluation(
      subject: subject, reference: ref, weights: weights, workload: running.workload,
      arguments: Array(CommandLine.arguments.dropFirst()))
    let result = try await evaluation.run(reporter: running.reporter) { image, label in
      sheet.append(image, label: label)
      try saved?.append(image)
    }

    try saved?.finish()
    if let grid { try sheet.write(to: grid) }
    let document = try result.json()
    if let out { try AtomicFile.write(document, to: out) }
    if json { try Terminal.result(document) } else { try Terminal.result(summary(of: result)) }
  }
}

/// A result for people: the numbers first, then what they were made from.
func summary(of result: EvaluationResult) -> String {
  let provenance = result.provenance
  var lines: [String] = []
  for (name, metric) in result.metrics.sorted(by: { $0.key < $1.key }) {
    let deviation = metric.standardDeviation.map { String(format: " ± %.3f", $0) } ?? ""
    let floor =
      metric.floor.map {
        String(format: "   (floor %.4f: %@, %d images)", $0.value, $0.data, $0.count)
      } ?? ""
    lines.append(
      String(format: "%@  %.4f%@%@", name, metric.value, deviation, floor))
  }
  for (name, reason) in result.skipped.sorted(by: { $0.key < $1.key }) {
    lines.append("\(name)  not computed: \(reason)")
  }
  func line(_ name: String, _ text: String) {
    lines.append("  " + name.padding(toLength: 12, withPad: " ", startingAt: 0) + text)
  }
  if let checkpoint = provenance.checkpoint {
    line(
      "checkpoint",
      "\(checkpoint.file) (\(checkpoint.key ?? "flat"), \(checkpoint.model.variant), "
        + "sha256 \(checkpoint.sha256.prefix(16))…)")
  }
  if let sampler = provenance.sampler {
    line(
      "sampler",
      "\(sampler.name), \(sampler.steps) steps (\(sampler.respacing)), guidance "
        + "\(sampler.cfgScale) (\(sampler.cfgChannels)), seed \(sampler.seed), labels "
        + sampler.labels)
  }
  if let images = provenance.images { line("images", images) }
  line("number", provenance.num.map(String.init) ?? "unknown")
  line(
    "extractor",
    "\(provenance.extractor.name), \(provenance.extractor.dimension) dimensions, sha256 "
      + "\(provenance.extractor.sha256?.prefix(16) ?? "unknown")…")
  let dataset = provenance.reference.dataset.map {
    ": \($0.name)\($0.split.map { " " + $0 } ?? "")"
  }
  line(
    "reference",
    "\(provenance.reference.file)\(dataset ?? ""), "
      + "\(provenance.reference.count.map(String.init) ?? "unknown number of") images")
  line("dialect", provenance.dialect)
  if let hash = result.samplesSha256 { line("images hash", "sha256 \(hash.prefix(16))…") }
  line(
    "made by",
    "\(provenance.tool), kernels \(provenance.kernels), "
      + String(format: "%.1f s", result.run.seconds))
  return lines.joined(separator: "\n")
}
