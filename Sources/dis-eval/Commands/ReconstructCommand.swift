import ArgumentParser
import DisEval
import Files
import Foundation

struct ReconstructCommand: ComputingCommand {
  static let configuration = CommandConfiguration(
    commandName: "reconstruct",
    abstract: "Compares decoded images with their originals: rFID, PSNR, SSIM and LPIPS.",
    discussion: """
      For tokenizers and autoencoders. Images are paired by the names of their files without suffixes, \
      arrays by position, and an image without a partner is refused. The originals must be prepared as \
      the encoder's input was; --crop adm makes them squares as RAE and DiT do.

      Codes compute different numbers from the same images, and --protocol names the one to follow; \
      docs/reconstruction.md lists the differences. Means over pairs have the interval \
      ± t sd / √n, and rFID has one from leaving out groups of pairs. rFID must not be compared with \
      the FID of generated images, so statistics are refused.

      LPIPS needs two files of weights, which 'weights fetch vgg-16' and 'weights fetch lpips-vgg' put \
      into the user's cache.

      Examples:
        dis-eval reconstruct --images decoded/ --ref originals/
        dis-eval reconstruct --images decoded/ --ref imagenet-val/ --recursive \\
          --crop adm --size 256 --protocol rae --out rae.json
        dis-eval reconstruct --images decoded.npz --ref originals.npz \\
          --protocol lightningdit --metrics psnr,ssim --worst 20 --json
      """)

  @Option(help: ArgumentHelp("The decoded images.", valueName: "path"))
  var images: String

  @Option(help: ArgumentHelp("The originals.", valueName: "path"))
  var ref: String

  @Option(
    name: .customLong("protocol"), help: "The code whose definitions of the metrics to follow.")
  var rules = ReconstructionProtocol.rae

  @Option(
    help: ArgumentHelp(
      "Metrics to compute, separated by commas: rfid, psnr, ssim, lpips. (default: those of the protocol)",
      valueName: "names"),
    transform: reconstructionMetrics)
  var metrics: [[ReconstructionMetric]] = []

  @Option(help: ArgumentHelp("Number of pairs to list that are least alike.", valueName: "n"))
  var worst = 10

  @OptionGroup var squares: CropOptions

  @OptionGroup var folders: SubfolderOption

  @Option(
    help: ArgumentHelp(
      "The weights of Inception, for rFID. (default: those in the user's cache)", valueName: "file"
    ))
  var weights: String?

  @Option(
    help: ArgumentHelp(
      "The weights of VGG16 with torchvision's names, for LPIPS. (default: those in the user's cache)",
      valueName: "file"))
  var vggWeights: String?

  @Option(
    help: ArgumentHelp(
      "The weights of the channels from the package lpips, for LPIPS. (default: those in the user's cache)",
      valueName: "file"))
  var lpipsWeights: String?

  @OptionGroup(title: "Running") var running: RunOptions

  @Option(help: ArgumentHelp("Also write the result to this file, as JSON.", valueName: "file"))
  var out: String?

  @Flag(help: "Print the result as JSON.")
  var json = false

  func validate() throws {
    guard (0...Reconstruction.largestWorstCount).contains(worst) else {
      throw ValidationError(
        "--worst \(worst): expected 0 to \(Reconstruction.largestWorstCount).")
    }
    var files = CommandFiles()
    files.readsImages("--images", images, recursive: folders.recursive)
    files.readsImages("--ref", ref, recursive: folders.recursive)
    files.reads("--weights", weights)
    files.reads("--vgg-weights", vggWeights)
    files.reads("--lpips-weights", lpipsWeights)
    files.writes("--out", out)
    try files.check(json: json)
  }

  func run() async throws {
    if let out { try AtomicFile.check(out) }
    var reconstruction = Reconstruction(
      images: images, reference: ref, workload: running.workload)
    reconstruction.rules = rules
    reconstruction.metrics = metrics.isEmpty ? nil : Set(metrics.joined())
    reconstruction.worstCount = worst
    reconstruction.crop = squares.request
    reconstruction.recursive = folders.recursive
    reconstruction.weights = weights
    reconstruction.vggWeights = vggWeights
    reconstruction.lpipsWeights = lpipsWeights
    reconstruction.arguments = running.execution.arguments
    let result = try await reconstruction.run(reporter: running.reporter)
    let document = try result.json()
    if let out { try AtomicFile.write(document, to: out) }
    Terminal.wrote(out, quiet: running.quiet)
    try json ? Terminal.result(document) : Terminal.result(text(of: result))
  }
}

extension ReconstructionProtocol: ExpressibleByArgument {}

/// Parses names of metrics, separated by commas.
private func reconstructionMetrics(_ text: String) throws -> [ReconstructionMetric] {
  let names = text.split(separator: ",")
  guard !names.isEmpty else { throw ValidationError("expected at least one name") }
  return try names.map { name in
    guard let metric = ReconstructionMetric(rawValue: String(name)) else {
      let known = ReconstructionMetric.allCases.map(\.rawValue).joined(separator: ", ")
      throw ValidationError("'\(name)': expected \(known)")
    }
    return metric
  }
}

/// Returns the result as text: the metrics, the worst pairs, and what they were computed from.
private func text(of result: ReconstructionResult) -> String {
  var lines: [String] = []
  for metric in ReconstructionMetric.allCases {
    let name = column(metric.rawValue, 5)
    if let found = result.metrics[metric.rawValue] {
      let interval =
        found.interval.map { " [" + $0.ends.map(number).joined(separator: ", ") + "]" }
        ?? found.intervalReason.map { "   (no interval: \($0))" } ?? ""
      lines.append(
        "\(name)  \(number(found.value))\(metric == .signalToNoise ? " dB" : "")\(interval)")
    } else if let reason = result.skipped[metric.rawValue] {
      lines.append("\(name)  not computed: \(reason)")
    }
  }
  if let order = result.worstBy, !result.worst.isEmpty {
    lines.append("worst pairs by \(order)")
    let names = ReconstructionMetric.allCases.dropFirst().filter { metric in
      result.metrics[metric.rawValue] != nil || result.skipped[metric.rawValue] != nil
    }
    let rows = result.worst.map { pair in
      let values: [ReconstructionMetric: Double?] = [
        .signalToNoise: pair.psnr, .similarity: pair.ssim, .perceptualDistance: pair.lpips,
      ]
      return names.map { (values[$0] ?? nil).map(number) ?? "inf" } + [escaped(pair.name)]
    }
    let table = Terminal.table([names.map(\.rawValue) + ["name"]] + rows)
    lines += table.split(separator: "\n").map { "  \($0)" }
  }
  func line(_ name: String, _ text: String) { lines.append("  " + column(name, 12) + text) }
  let provenance = result.provenance
  line("pairs", "\(provenance.num), \(result.equalPairs) of them equal")
  line("protocol", provenance.protocol + (provenance.dialect.map { ", dialect \($0)" } ?? ""))
  for (name, side) in [("images", provenance.images), ("originals", provenance.reference)] {
    line(name, "\(escaped(side.file)) (sha256 \(side.sha256?.prefix(16) ?? "unknown")…)")
  }
  if let crop = provenance.crop { line("crop", crop) }
  if let extractor = provenance.extractor {
    line("extractor", "\(extractor.name), sha256 \(extractor.sha256?.prefix(16) ?? "unknown")…")
  }
  if let files = provenance.perceptual {
    line(
      "lpips",
      [files.network, files.channelWeights].map {
        "\(escaped($0.file)) (sha256 \($0.sha256.prefix(16))…)"
      }.joined(separator: ", "))
  }
  line(
    "made by",
    "\(provenance.tool), kernels \(provenance.kernels), "
      + String(format: "%.1f s", result.run.seconds))
  return lines.joined(separator: "\n")
}
