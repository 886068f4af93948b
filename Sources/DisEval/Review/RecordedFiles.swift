import Files
import Generators
import References
import Results
import Sampling
import Tensors
import Work

/// The current locations of the files of a recorded evaluation.
public struct RecordedFiles: Sendable {
  /// The checkpoint; nil if images were evaluated.
  public var checkpoint: String?
  /// The words of the command of the generator. It **is run**, and never taken from a record.
  public var generator: [String]?
  /// The decoder of a latent model.
  public var decoder: String?
  /// The labels, if they came from a file.
  public var labels: String?
  /// The images, if no checkpoint was sampled.
  public var images: String?
  /// The path or name of the reference.
  public var reference: String?
  /// The extractor's weights; nil to find them by the reference or in the cache.
  public var weights: String?
  /// Whether subfolders of a folder of images are searched; nil to refuse a folder that has images
  /// both in itself and in a subfolder.
  public var recursive: Bool?

  /// Creates locations without any file.
  public init() {}

  /// Creates the locations named in a request. A command is not a location, and is left out.
  public init(_ request: EvaluationRequest) {
    func path(_ text: String?) -> String? { text == "" ? nil : text }
    checkpoint = path(request.checkpoint?.path)
    decoder = path((request.checkpoint?.decoder ?? request.generator?.decoder)?.path)
    labels = path(request.checkpoint?.sampling.labels ?? request.generator?.labels).flatMap {
      $0.hasSuffix(".npy") ? $0 : nil
    }
    images = path(request.images)
    reference = path(request.reference)
    weights = path(request.weights)
    recursive = request.recursive
  }

  /// Returns these locations, with missing ones taken from `others`.
  public func completed(by others: RecordedFiles) -> RecordedFiles {
    var files = self
    files.checkpoint = checkpoint ?? others.checkpoint
    files.generator = generator ?? others.generator
    files.decoder = decoder ?? others.decoder
    files.labels = labels ?? others.labels
    files.images = images ?? others.images
    files.reference = reference ?? others.reference
    files.weights = weights ?? others.weights
    files.recursive = recursive ?? others.recursive
    return files
  }
}

extension EvaluationRequest {
  /// Creates the request that repeats a recorded evaluation: the same settings, metrics and number
  /// of images, with files at their current locations.
  ///
  /// - Parameters:
  ///   - recorded: A result or a baseline.
  ///   - files: The current locations of the files.
  ///   - isSameCheckpoint: Whether the checkpoint must be the recorded one.
  /// - Throws: `Failure` (65) `CannotEvaluateAgain` if the number of images is not recorded,
  ///   `OtherReference` if the reference is not the recorded one; otherwise as
  ///   `CheckpointRequest.init(repeating:checkpoint:isSame:decoder:labels:)` does.
  public init(
    repeating recorded: RecordedEvaluation, with files: RecordedFiles, isSameCheckpoint: Bool
  ) throws {
    let provenance = recorded.provenance
    try self.init(repeating: recorded)
    guard provenance.num != nil else {
      throw Failure(
        .dataRefused, .cannotEvaluateAgain, "num",
        "the record does not say how many images were scored")
    }
    if provenance.generator != nil {
      subject = .generator(try GeneratorRequest(repeating: provenance, with: files))
    } else if provenance.checkpoint == nil {
      subject = .images(files.images ?? "")
    } else {
      subject = .checkpoint(
        try CheckpointRequest(
          repeating: provenance, checkpoint: files.checkpoint ?? "", isSame: isSameCheckpoint,
          decoder: files.decoder, labels: files.labels))
    }
    (reference, weights, recursive) = (files.reference ?? "", files.weights, files.recursive)
    if provenance.leftOut != nil { skipsBroken = true }
    let path = try resolveReference(reference)
    if let expected = provenance.reference.sha256, ReferenceStatistics.isRecognised(path) {
      try checkContent(of: path, is: expected, .otherReference)
    }
  }
}

extension GeneratorRequest {
  /// Creates the request for samples of a recorded program, by a command that the caller gives.
  ///
  /// - Throws: `Failure` `GeneratorNotGiven` (66) if there is no command, `DecoderMissing` (69) if the
  ///   decoder is not given, `OtherDecoder` (65) if it is not the recorded one, or
  ///   `CannotSampleAgain` (65) if the labels are not recorded and not given.
  init(repeating provenance: Provenance, with files: RecordedFiles) throws {
    guard let recorded = provenance.generator else {
      throw Failure(
        .usage, .cannotSampleAgain, provenance.subjectName ?? "the result",
        "the result is not of a generator")
    }
    guard let command = files.generator else {
      throw Failure(
        .inputMissing, .generatorNotGiven, recorded.name,
        "the samples were made by the command: \(commandText(recorded.command)). A result may come "
          + "from anyone, so that its command is not run; give it again with `generator`")
    }
    try self.init(repeating: recorded, decoder: nil)
    self.command = command
    if recorded.labelsSha256 != nil {
      guard let labels = files.labels else {
        throw Failure(
          .dataRefused, .cannotSampleAgain, "labels \(recorded.labels)",
          "the result does not contain them")
      }
      self.labels = labels
    }
    decoder = try provenance.decoder.map { try DecoderRequest(repeating: $0, path: files.decoder) }
  }
}

extension SampleSource {
  /// Creates the source of a result's samples: loads its checkpoint, or runs the command in `files`.
  ///
  /// - Throws: As ``Generator/init(of:with:)`` and
  ///   ``GeneratorProgram/init(_:processes:timeout:reporter:)`` do, `GeneratorNotGiven` (66) if a
  ///   program made the samples and there is no command.
  public init(
    of provenance: Provenance, with files: RecordedFiles, execution: Execution = Execution(),
    reporter: Reporter = .silent
  ) throws {
    guard provenance.generator != nil else {
      self = .checkpoint(try Generator(of: provenance, with: files))
      return
    }
    let program = try GeneratorProgram(
      GeneratorRequest(repeating: provenance, with: files), processes: execution.generatorCount,
      timeout: execution.generatorTimeout, reporter: reporter)
    self = .program(program)
    try check(repeats: provenance, isSame: true)
  }
}

extension Generator {
  /// Creates the generator of a result's samples.
  ///
  /// - Throws: As `CheckpointRequest.init(repeating:checkpoint:isSame:decoder:labels:)`,
  ///   ``Generator/init(_:precision:given:)`` and ``Generator/check(repeats:isSame:)`` do.
  public init(of provenance: Provenance, with files: RecordedFiles) throws {
    try self.init(
      CheckpointRequest(
        repeating: provenance, checkpoint: files.checkpoint ?? "", isSame: true,
        decoder: files.decoder, labels: files.labels),
      precision: provenance.sampler?.precision ?? .float32)
    try check(repeats: provenance, isSame: true)
  }
}
