import Files
import References
import Results
import Sampling
import Tensors

/// The current locations of the files of a recorded evaluation.
public struct RecordedFiles: Sendable {
  /// The checkpoint; nil if images were evaluated.
  public var checkpoint: String?
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

  /// Creates the locations named in a request.
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

  /// Returns these locations, with missing ones taken from `others`.
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
