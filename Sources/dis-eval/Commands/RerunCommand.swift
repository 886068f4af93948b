import ArgumentParser
import DisEval
import Files
import Foundation

struct RerunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rerun",
    abstract: "Repeats the evaluation of a result and compares every number.",
    discussion: """
      Files are looked for where the result's command had them, unless given, and must have the SHA-256 \
      of the result.

      On the same version, instructions and library everything must be the same to the last bit. On \
      others a metric may differ by a thousandth, or by a tenth of half its interval; --kernels takes \
      the result's instructions where the processor has them.

      Exit status: 0 the same, or within that; 3 off by more, on other instructions or another version; \
      65 not the same, and nothing explains it.

      Examples:
        dis-eval rerun result.json
        dis-eval rerun result.json --ckpt model.pt --ref stats.npz --kernels avx2 --json
        dis-eval rerun result.json --images samples/ --out again.json
      """)

  @Argument(help: ArgumentHelp("The result.", valueName: "result.json"))
  var result: String

  @OptionGroup(title: "Files, where they are now") var files: RecordedFilesOptions

  @OptionGroup(title: "Running") var running: RunOptions

  @Option(help: ArgumentHelp("Write the new result there, as JSON.", valueName: "file"))
  var out: String?

  @Flag(help: "Print the comparison as JSON, with the new result in it.")
  var json = false

  func validate() throws { try check() }

  /// - Parameter recorded: The result, once it is read: it says where its files were.
  private func check(_ recorded: EvaluationResult? = nil) throws {
    var commandFiles = CommandFiles()
    commandFiles.reads("the result", result)
    let recursive = files.folders.recursive ?? recorded?.searchesFolders
    for (option, path) in [
      ("--ckpt", files.ckpt), ("--decoder", files.decoder), ("--labels", files.labels),
      ("--weights", files.weights),
    ] { commandFiles.reads(option, path ?? recorded?.argument(option)) }
    for (option, path) in [("--images", files.images), ("--ref", files.ref)] {
      commandFiles.readsReference(
        option, path ?? recorded?.argument(option), recursive: recursive)
    }
    commandFiles.writes("--out", out)
    try commandFiles.check(json: json)
  }

  func run() async throws {
    let workload = try running.workload()
    let recorded = try EvaluationResult(contentsOf: result)
    try check(recorded)
    if let out { try AtomicFile.check(out) }
    var evaluation = try Evaluation(
      as: RecordedEvaluation(recorded, path: result), of: files.inputs(of: recorded, from: result),
      workload: workload)
    evaluation.arguments = Array(CommandLine.arguments.dropFirst())
    let reproduction = Reproduction(
      of: recorded, now: try await evaluation.result(reporter: running.reporter))

    if let out { try AtomicFile.write(try reproduction.result.json(), to: out) }
    try json
      ? Terminal.result(reproduction.json()) : Terminal.result(text(of: reproduction, of: result))
    switch reproduction.outcome {
    case .identical, .agrees: break
    case .cannotSay: throw ExitCode(ExitStatus.inconclusive.rawValue)
    case .differs:
      throw Failure(
        .dataRefused, "NotReproduced", result,
        "version and kernels are those of the result, but it is not what they give; the file was changed, "
          + "or the machine computes wrongly")
    }
  }
}

/// Where the files of a result are now.
struct RecordedFilesOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The checkpoint.", valueName: "file"))
  var ckpt: String?

  @Option(help: ArgumentHelp("The images, where no checkpoint was sampled.", valueName: "path"))
  var images: String?

  @Option(help: ArgumentHelp("The decoder of a latent model.", valueName: "file"))
  var decoder: String?

  @Option(help: ArgumentHelp("The labels, where they came from a file.", valueName: "npy"))
  var labels: String?

  @Option(help: ArgumentHelp("The reference.", valueName: "path"))
  var ref: String?

  @Option(help: ArgumentHelp("Weights of the feature extractor.", valueName: "file"))
  var weights: String?

  @OptionGroup var folders: FolderOptions

  func validate() throws {
    guard ckpt == nil || images == nil else {
      throw ValidationError("Give either --ckpt or --images.")
    }
  }

  /// The files given, and where none is, that of the result's command.
  ///
  /// - Throws: ``Failure`` `InputUnknown` (66) for one that is in neither place, and whatever a file is
  ///   refused for.
  func inputs(of result: EvaluationResult, from path: String) throws -> RecordedInputs {
    let provenance = result.provenance
    let subject: RecordedInputs.Subject
    if provenance.checkpoint != nil {
      subject = .samples(
        try result.generator(
          checkpoint: ckpt, decoder: decoder, labels: labels, resultPath: path))
    } else {
      guard let images = images ?? existing(result.argument("--images")) else {
        throw inputUnknown("--images", provenance.images ?? "images", nil, path)
      }
      subject = .images(images)
    }
    let reference = provenance.reference
    let preset = try provenance.preset.map { try Preset(named: $0).reference }
    guard let ref = ref ?? existing(result.argument("--ref") ?? preset) else {
      throw inputUnknown("--ref", reference.file, reference.sha256, path)
    }
    var inputs = RecordedInputs(
      subject: subject, reference: ref,
      weights: weights ?? existing(result.argument("--weights")))
    inputs.isRecursive = folders.recursive ?? result.searchesFolders
    return inputs
  }

  /// A path or the name of fetched statistics, if it is there.
  private func existing(_ path: String?) -> String? {
    path.flatMap { (try? resolveReference($0)) == nil ? nil : $0 }
  }
}

extension EvaluationResult {
  /// The generator of its samples, of the files given or those of its command.
  ///
  /// - Throws: ``Failure`` `InputUnknown` (66), and whatever a file is refused for.
  func generator(
    checkpoint: String?, decoder: String?, labels: String? = nil, resultPath: String
  ) throws -> Generator {
    let scored = provenance.checkpoint
    guard let file = checkpoint ?? self.file("--ckpt", sha256: scored?.sha256) else {
      throw inputUnknown("--ckpt", scored?.file ?? "checkpoint", scored?.sha256, resultPath)
    }
    return try Generator(
      of: provenance, checkpoint: file,
      decoder: decoder ?? self.file("--decoder", sha256: provenance.decoder?.sha256),
      labels: labels ?? argument("--labels"))
  }
}

private func inputUnknown(
  _ option: String, _ name: String, _ sha256: String?, _ resultPath: String
) -> Failure {
  Failure(
    .inputMissing, "InputUnknown", name,
    "is not where the command of '\(resultPath)' had it"
      + (sha256.map { ", with SHA-256 \($0)" } ?? "") + "; say where it is with \(option)")
}

/// The comparison for people.
private func text(of reproduction: Reproduction, of path: String) -> String {
  let verdict =
    switch reproduction.outcome {
    case .identical: "identical: every image and number of"
    case .agrees: "agrees within what another code path explains:"
    case .cannotSay: "cannot say, off by more than another code path should:"
    case .differs: "differs:"
    }
  var lines = ["\(verdict) \(escaped(path))"]
  for difference in reproduction.differences {
    lines.append(
      "  \(difference.name): \(escaped(difference.recorded)) then, \(escaped(difference.now)) now")
  }
  if let samples = reproduction.samples {
    lines.append(
      samples.recorded == samples.now
        ? "  images: the same, sha256 \(samples.now.prefix(16))…"
        : "  images: sha256 \(escaped(String(samples.recorded.prefix(16))))… then, \(samples.now.prefix(16))… now"
    )
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
