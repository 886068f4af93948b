import ArgumentParser
import DisEval
import Files
import Foundation

struct ExplainCommand: ComputingCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Explains why tools compute different distances from the same images.",
    discussion: """
      Prints the Fréchet distance in every dialect, and how much of each difference is due to the \
      resize, the scale and the precision of the mean. Also prints the effect of each single \
      change: resize, scale, rounding, precision of the mean, divisor and weights. Images are \
      prepared in about eight ways, which takes about eight times as long as a single distance. \
      To use only some of the images, give --num.

      With --labels, it also says what balanced labels are worth: the distance if classes are drawn \
      uniformly minus that if every class has as many images as any other. Both are computed from \
      the same images, by giving those of each class a common weight.

      Examples:
        dis-eval explain --images samples/ --ref photos/ --num 2000
        dis-eval explain --images samples/ --ref photos/ --labels labels.npy
        dis-eval explain --images a.npz --ref b.npz --dialect tf --json
      """)

  @Option(help: ArgumentHelp("The images to score.", valueName: "path"))
  var images: String

  @Option(help: ArgumentHelp("The images to compare with.", valueName: "path"))
  var ref: String

  @OptionGroup var extractor: ExtractorOptions

  @Option(help: ArgumentHelp("Different weights, to measure their effect.", valueName: "file"))
  var otherWeights: String?

  @Option(
    help: ArgumentHelp(
      "The class of each of --images, an .npy file of integers; or 'images' for labels beside them.",
      valueName: "file"))
  var labels: String?

  @Option(help: "The dialect to compare the others with.")
  var dialect = Dialect.pytorchFID

  @Option(
    help: ArgumentHelp(
      "Use only this many images from each side, the first ones. (default: all)", valueName: "n"))
  var num: Int?

  @OptionGroup var folders: FolderOptions

  @OptionGroup(title: "Running") var running: RunOptions

  @Option(help: ArgumentHelp("Also write the result to this file, as JSON.", valueName: "file"))
  var out: String?

  @Flag(help: "Print the result as JSON.")
  var json = false

  /// The value of `--labels` for labels beside the images.
  private static let ofImages = "images"

  func validate() throws {
    try checkNum(num)
    var files = CommandFiles()
    files.readsReference("--images", images, recursive: folders.recursive)
    files.readsReference("--ref", ref, recursive: folders.recursive)
    files.reads("--weights", extractor.weights)
    files.reads("--other-weights", otherWeights)
    if labels != Self.ofImages { files.reads("--labels", labels) }
    files.writes("--out", out)
    try files.check(json: json)
  }

  func run() async throws {
    let workload = running.workload
    if let out { try AtomicFile.check(out) }
    var explainer = Explainer(
      images: images, reference: ref, weights: extractor.weights, workload: workload)
    explainer.extractor = extractor.name
    explainer.base = dialect
    explainer.otherWeights = otherWeights
    explainer.labels = labels.map { $0 == Self.ofImages ? .ofImages : .file($0) }
    explainer.count = num
    explainer.recursive = folders.recursive
    explainer.skipsBroken = folders.skipBroken
    let explanation = try await explainer.run(reporter: running.reporter)
    let document = try explanation.json()
    if let out { try AtomicFile.write(document, to: out) }
    Terminal.wrote(out, quiet: running.quiet)
    if json { try Terminal.result(document) } else { try Terminal.result(text(of: explanation)) }
  }
}

/// Returns the explanation as text.
private func text(of explanation: Explanation) -> String {
  func right(_ text: String) -> String {
    String(repeating: " ", count: max(0, 14 - text.count)) + text
  }
  func difference(_ value: Double) -> String {
    right(value == 0 ? "0" : String(format: abs(value) < 1e-3 ? "%+.1e" : "%+.4f", value))
  }
  var lines = [
    column("dialect", 26)
      + ["\(explanation.metric)", "difference", "resize", "scale", "mean"].map(right)
      .joined()
  ]
  for line in explanation.dialects {
    lines.append(
      column(line.dialect, 26) + right(String(format: "%.4f", line.value))
        + [line.difference, line.resize, line.scale, line.meanPrecision].map(difference).joined())
  }
  if explanation.dialects.allSatisfy({ $0.resize == 0 && $0.scale == 0 }) {
    lines.append(
      "The extractor prepares images in its own way, so that dialects differ in the mean only.")
  }
  lines += ["", "\(explanation.base) with one change"]
  for change in explanation.changes {
    lines.append(
      "  " + column("\(change.kind): \(change.to)", 48)
        + right(String(format: "%.4f", change.value))
        + difference(change.difference))
  }
  if let effect = explanation.labels {
    func distance(_ name: String, _ value: Double) -> String {
      "  " + column(name, 48) + right(String(format: "%.4f", value))
        + difference(value - effect.observed)
    }
    lines += [
      "", "labels: \(effect.counts)", distance("as they are", effect.observed),
      distance("balanced", effect.balanced),
      distance("drawn uniformly, mean of \(effect.draws) seeds", effect.drawn),
    ]
    if let shares = effect.reference { lines.append(distance("as in the reference", shares)) }
    let error = effect.drawnDeviation / Double(effect.draws).squareRoot()
    lines.append(
      "  balanced labels are worth \(number(effect.worth)), with a standard error of "
        + "\(number(error)); a single draw deviates by \(number(effect.drawnDeviation))")
  }
  lines += [
    "",
    "  images      \(explanation.counts[0]) against \(explanation.counts[1])",
    "  extractor   \(explanation.extractor.name), sha256 "
      + "\(explanation.extractor.sha256?.prefix(16) ?? "unknown")…",
  ]
  return lines.joined(separator: "\n")
}
