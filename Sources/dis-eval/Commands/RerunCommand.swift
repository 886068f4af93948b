import ArgumentParser
import DisEval
import Files
import Foundation

struct RerunCommand: ComputingCommand {
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
        dis-eval rerun result.json --ckpt model.pt --ref stats.npz \\
          --kernels avx2 --json
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

  /// - Parameter recorded: What the result was asked for, once it is read: it says where its files were.
  private func check(_ recorded: EvaluationRequest? = nil) throws {
    var commandFiles = CommandFiles()
    commandFiles.reads("the result", result)
    let paths = recorded.map { files.given.completed(by: RecordedFiles($0)) } ?? files.given
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
    let evaluation = try request.prepare(running.execution, reporter: running.reporter)
    try evaluation.check(repeats: recorded.provenance, isSameCheckpoint: true)
    let reproduction = Reproduction(
      of: recorded, now: try await evaluation.run())

    if let out { try AtomicFile.write(try reproduction.result.json(), to: out) }
    try json
      ? Terminal.result(reproduction.json()) : Terminal.result(text(of: reproduction, of: result))
    switch reproduction.outcome {
    case .identical, .agrees: break
    case .cannotSay: throw ExitCode(ExitStatus.inconclusive.rawValue)
    case .differs:
      throw Failure(
        .dataRefused, .notReproduced, result,
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

  /// The files that the options name.
  var given: RecordedFiles {
    var files = RecordedFiles()
    (files.checkpoint, files.images, files.decoder) = (ckpt, images, decoder)
    (files.labels, files.reference, files.weights) = (labels, ref, weights)
    files.recursive = folders.recursive
    return files
  }

  /// The files given, and where none is given, that of the result's request.
  ///
  /// - Throws: ``Failure`` `InputUnknown` (66) for one that is in neither place.
  func found(of result: EvaluationResult, from path: String) throws -> RecordedFiles {
    let provenance = result.provenance
    let recorded = RecordedFiles(try result.request)
    var files = given
    if provenance.checkpoint != nil {
      files = try Self.sampled(of: result, given: files, from: path)
    } else {
      files.images = files.images ?? existing(recorded.images)
      guard files.images != nil else {
        throw inputUnknown("--images", provenance.images ?? "images", nil, path)
      }
    }
    let preset = try provenance.preset.map { try Preset(named: $0).reference }
    files.reference = files.reference ?? existing(recorded.reference ?? preset)
    guard files.reference != nil else {
      let reference = provenance.reference
      throw inputUnknown("--ref", reference.file, reference.sha256, path)
    }
    files.weights = files.weights ?? existing(recorded.weights)
    files.recursive = files.recursive ?? recorded.recursive
    return files
  }

  /// The files of a result's samples: those given, and where none is given, that of the result's
  /// request.
  ///
  /// - Throws: ``Failure`` `InputUnknown` (66) for a checkpoint that is in neither place.
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
  /// The checkpoint, decoder and labels of the samples: those given, and where none is given, that of the
  /// request, if it is still there and still the same.
  func sampledFiles(given: RecordedFiles) throws -> RecordedFiles {
    let recorded = RecordedFiles(try request)
    func unchanged(_ path: String?, _ expected: String?) -> String? {
      guard let path, let expected, (try? sha256(ofFile: path)) == expected else { return nil }
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

/// A path or the name of fetched statistics, if it is there.
func existing(_ path: String?) -> String? {
  path.flatMap { (try? resolveReference($0)) == nil ? nil : $0 }
}

private func inputUnknown(
  _ option: String, _ name: String, _ sha256: String?, _ resultPath: String
) -> Failure {
  Failure(
    .inputMissing, .inputUnknown, name,
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
