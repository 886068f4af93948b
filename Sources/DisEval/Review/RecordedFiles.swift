import Files
import References
import Results
import Sampling
import Tensors

/// Where the files of a recorded evaluation lie now.
public struct RecordedFiles: Sendable {
  /// The checkpoint, nil where images were judged.
  public var checkpoint: String?
  /// The decoder of a latent model.
  public var decoder: String?
  /// The labels, if they came from a file.
  public var labels: String?
  /// The images, where no checkpoint was sampled.
  public var images: String?
  /// Path or name of the reference.
  public var reference: String?
  /// The extractor's weights; nil to find them by the reference or in the cache.
  public var weights: String?
  /// Whether folders inside folders of images are searched; nil to refuse a folder that has images
  /// both in it and in a folder inside it.
  public var recursive: Bool?

  /// Names no file.
  public init() {}

  /// Where a request has the files.
  public init(_ request: EvaluationRequest) {
    func path(_ text: String?) -> String? { text == "" ? nil : text }
    checkpoint = path(request.checkpoint?.path)
    decoder = path(request.checkpoint?.decoder?.path)
    labels = path(request.checkpoint?.sampling.labels).flatMap { $0.hasSuffix(".npy") ? $0 : nil }
    images = path(request.images)
    reference = path(request.reference)
    weights = path(request.weights)
    recursive = request.recursive
  }

  /// These files, and where none is given, those of `others`.
  public func completed(by others: RecordedFiles) -> RecordedFiles {
    var files = self
    files.checkpoint = checkpoint ?? others.checkpoint
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
  /// The request that repeats a recorded evaluation: the same settings, metrics and number of images,
  /// with the files as they lie now.
  ///
  /// - Parameters:
  ///   - recorded: A result or a baseline.
  ///   - isSameCheckpoint: Whether the checkpoint must be the recorded one.
  /// - Throws: `Failure` `CannotEvaluateAgain` (65) when the record does not say enough;
  ///   `OtherCheckpoint`, `OtherDecoder`, `OtherReference` (65) when a file is not that of the record;
  ///   `CannotSampleAgain` (65); why a file cannot be read.
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
    if provenance.checkpoint == nil {
      subject = .images(files.images ?? "")
    } else {
      subject = .checkpoint(
        try CheckpointRequest(
          repeating: provenance, checkpoint: files.checkpoint ?? "", isSame: isSameCheckpoint,
          decoder: files.decoder, labels: files.labels))
    }
    (reference, weights, recursive) = (files.reference ?? "", files.weights, files.recursive)
    let path = try resolveReference(reference)
    if let expected = provenance.reference.sha256, ReferenceStatistics.isRecognised(path) {
      try checkContent(of: path, is: expected, .otherReference)
    }
  }
}

extension Generator {
  /// The generator of a result's samples.
  ///
  /// - Throws: As ``CheckpointRequest/init(repeating:checkpoint:isSame:decoder:labels:)``, and
  ///   `OtherLabels` (65).
  public init(of provenance: Provenance, with files: RecordedFiles) throws {
    try self.init(
      CheckpointRequest(
        repeating: provenance, checkpoint: files.checkpoint ?? "", isSame: true,
        decoder: files.decoder, labels: files.labels),
      precision: provenance.sampler?.precision ?? .float32)
    try check(repeats: provenance, isSame: true)
  }
}
