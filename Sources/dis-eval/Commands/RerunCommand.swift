import ArgumentParser
import Checkpoints
import DisEval
import Files
import Foundation

struct RerunCommand: ComputingCommand {
  static let configuration = CommandConfiguration(
    commandName: "rerun",
    abstract: "Repeats the evaluation of a result and compares the images and every number.",
    discussion: """
      Files are expected where the original command had them, or where the options say, and must \
      have the recorded SHA-256. The command of a generator is never taken from a result; give it \
      again.

      With the same version, instructions and library, everything must be the same to the last \
      bit. Otherwise, a metric may differ by a thousandth, or by a tenth of half its interval. To \
      use the instructions of the result, give --kernels.

      Exit status: 0 if everything is the same, or within these bounds; 3 if a metric differs by \
      more and the version, instructions or library differ; 65 if something differs and nothing \
      explains it.

      Examples:
        dis-eval rerun result.json
        dis-eval rerun result.json --ckpt model.pt --ref stats.npz \\
          --kernels avx2 --json
        dis-eval rerun result.json --images samples/ --out again.json
        dis-eval rerun result.json --generator 'python3 sampler.py model.pt'
      """)

  @Argument(help: ArgumentHelp("The result.", valueName: "result"))
  var result: String

  @OptionGroup(title: "Current locations of files") var files: RecordedFilesOptions

  @OptionGroup(title: "Running") var running: RunOptions

  @Option(help: ArgumentHelp("Write the new result to this file, as JSON.", valueName: "file"))
  var out: String?

  @Flag(help: "Print the comparison as JSON, including the new result.")
  var json = false

  func validate() throws { try check() }

  /// - Parameter recorded: The request of the result, which records where its files were; nil
  ///   before the result is read.
  private func check(_ recorded: EvaluationRequest? = nil) throws {
    var commandFiles = CommandFiles()
    commandFiles.reads("the result", result)
    let given = try files.given
    let paths = recorded.map { given.completed(by: RecordedFiles($0)) } ?? given
    for (option, path) in [
      ("--ckpt", paths.checkpoint), ("--decoder", paths.decoder), ("--labels", paths.labels),
      ("--weights", paths.weights),
    ] { commandFiles.reads(option, path) }
    for (option, path) in [("--images", paths.images), ("--ref", paths.reference)] {
      commandFiles.readsReference(option, path, recursive: paths.recursive)
    }
    commandFiles.writes("--out", out)
    try commandFiles.check(json: json)
  }

  func run() async throws {
    let recorded = try EvaluationResult(contentsOf: result)
    try check(recorded.request)
    if let out { try AtomicFile.check(out) }
    let request = try EvaluationRequest(
      repeating: RecordedEvaluation(recorded, path: result),
      with: files.found(of: recorded, from: result), isSameCheckpoint: true)
    var execution = running.execution
    files.generator.running.apply(to: &execution)
    let evaluation = try request.prepare(execution, reporter: running.reporter)
    try evaluation.check(repeats: recorded.provenance, isSameCheckpoint: true)
    let reproduction = Reproduction(
      of: recorded, now: try await evaluation.run())

    if let out { try reproduction.result.write(to: out, warn: running.reporter.warn) }
    Terminal.wrote(out, quiet: running.quiet)
    try json
      ? Terminal.result(reproduction.json()) : Terminal.result(text(of: reproduction, of: result))
    switch reproduction.outcome {
    case .identical, .agrees: break
    case .cannotSay: throw ExitCode(ExitStatus.inconclusive.rawValue)
    case .differs:
      throw Failure(
        .dataRefused, .notReproduced, result,
        "the version and kernels are the same, but the outcome differs; the file was changed, or "
          + "the machine computes incorrectly")
    }
  }
}

/// The current locations of the files of a result.
struct RecordedFilesOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The checkpoint.", valueName: "file"))
  var ckpt: String?

  @OptionGroup var generator: GeneratorOptions

  @Option(help: ArgumentHelp("The images, if no checkpoint was sampled.", valueName: "path"))
  var images: String?

  @Option(help: ArgumentHelp("The decoder of a latent model.", valueName: "file"))
  var decoder: String?

  @Option(
    help: ArgumentHelp("The .npy file of the labels, if they came from one.", valueName: "file"))
  var labels: String?

  @Option(help: ArgumentHelp("The reference.", valueName: "path"))
  var ref: String?

  @Option(help: ArgumentHelp("The extractor's weights.", valueName: "file"))
  var weights: String?

  @OptionGroup var subfolders: SubfolderOption

  func validate() throws {
    guard [ckpt, generator.generator, images].count(where: { $0 != nil }) <= 1 else {
      throw ValidationError("Give one of --ckpt, --generator and --images.")
    }
    _ = try given
  }

  /// The files that the options name.
  var given: RecordedFiles {
    get throws {
      var files = RecordedFiles()
      files.generator = try generator.words()
      (files.checkpoint, files.images, files.decoder) = (ckpt, images, decoder)
      (files.labels, files.reference, files.weights) = (labels, ref, weights)
      files.recursive = subfolders.recursive
      return files
    }
  }

  /// Returns the given files, with missing ones taken from the result's request. A generator's command
  /// is never taken from it.
  ///
  /// - Throws: ``Failure`` `InputUnknown` (66) if a required file is in neither place.
  func found(of result: EvaluationResult, from path: String) throws -> RecordedFiles {
    let provenance = result.provenance
    let recorded = RecordedFiles(try result.request)
    var files = try given
    if provenance.checkpoint != nil || provenance.generator != nil {
      files = try Self.sampled(of: result, given: files, from: path)
    } else {
      files.images = files.images ?? existing(recorded.images)
      guard files.images != nil else {
        throw inputUnknown("--images", provenance.images ?? "images", nil, path)
      }
    }
    let preset = try provenance.preset.map { try ProtocolCard(named: $0).reference }
    files.reference = files.reference ?? existing(recorded.reference ?? preset)
    guard files.reference != nil else {
      let reference = provenance.reference
      throw inputUnknown("--ref", reference.file, reference.sha256, path)
    }
    files.weights = files.weights ?? existing(recorded.weights)
    files.recursive = files.recursive ?? recorded.recursive
    return files
  }

  /// Returns the given files of a result's samples, with missing ones taken from the result's
  /// request.
  ///
  /// - Throws: ``Failure`` `InputUnknown` (66) if the checkpoint is in neither place.
  static func sampled(
    of result: EvaluationResult, given: RecordedFiles, from path: String
  ) throws -> RecordedFiles {
    let files = try result.sampledFiles(given: given)
    guard files.checkpoint != nil || result.provenance.checkpoint == nil else {
      let scored = result.provenance.checkpoint
      throw inputUnknown("--ckpt", scored?.file ?? "checkpoint", scored?.sha256, path)
    }
    return files
  }
}

extension EvaluationResult {
  /// Returns the given files, with a missing checkpoint, decoder or labels taken from the request.
  /// A checkpoint or decoder is taken only if it still has the recorded SHA-256.
  func sampledFiles(given: RecordedFiles) throws -> RecordedFiles {
    let recorded = RecordedFiles(try request)
    func unchanged(_ path: String?, _ expected: String?) -> String? {
      guard let path, let expected, (try? sha256(ofCheckpoint: path)) == expected else {
        return nil
      }
      return path
    }
    var files = given
    files.checkpoint =
      files.checkpoint ?? unchanged(recorded.checkpoint, provenance.checkpoint?.sha256)
    files.decoder = files.decoder ?? unchanged(recorded.decoder, provenance.decoder?.sha256)
    files.labels = files.labels ?? recorded.labels
    return files
  }
}

/// Returns a path or the name of fetched statistics; nil if it does not exist.
func existing(_ path: String?) -> String? {
  path.flatMap { (try? resolveReference($0)) == nil ? nil : $0 }
}

private func inputUnknown(
  _ option: String, _ name: String, _ sha256: String?, _ resultPath: String
) -> Failure {
  Failure(
    .inputMissing, .inputUnknown, name,
    "is not where the command of '\(resultPath)' had it"
      + (sha256.map { ", with SHA-256 \($0)" } ?? "") + "; use \(option) to say where it is")
}

/// Returns the comparison as text.
private func text(of reproduction: Reproduction, of path: String) -> String {
  let verdict =
    switch reproduction.outcome {
    case .identical: "identical: every image and number of"
    case .agrees: "agrees within what a different code path explains:"
    case .cannotSay: "cannot say, differs by more than a different code path explains:"
    case .differs: "differs:"
    }
  var lines = ["\(verdict) \(escaped(path))"]
  for difference in reproduction.differences {
    lines.append(
      "  \(difference.name): recorded \(escaped(difference.recorded)), "
        + "now \(escaped(difference.now))"
    )
  }
  if let samples = reproduction.samples {
    lines.append(
      samples.recorded == samples.now
        ? "  images: the same, sha256 \(samples.now.prefix(16))…"
        : "  images: recorded sha256 \(escaped(String(samples.recorded.prefix(16))))…, "
          + "now \(samples.now.prefix(16))…")
  }
  func shown(_ value: Double?) -> String { value.map { "\($0)" } ?? "-" }
  let rows = reproduction.numbers.map { number in
    [
      "  \(escaped(number.name))", shown(number.recorded), shown(number.now),
      number.isIdentical
        ? "same" : number.relativeDifference.map { String(format: "%+.2g", $0) } ?? "differs",
    ]
  }
  return lines.joined(separator: "\n") + "\n"
    + Terminal.table([["  metric", "recorded", "now", "relative difference"]] + rows)
}
