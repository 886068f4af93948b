import Checkpoints
import Diffusion
import Files
import Foundation
import Results
import Tensors

extension Generator {
  /// The generator that made the samples of a result, to make them again.
  ///
  /// - Parameters:
  ///   - provenance: The result's.
  ///   - path: The result's checkpoint, wherever it lies now.
  ///   - decoder: The result's decoder, for a latent model.
  ///   - labels: The result's labels, if they came from a file.
  /// - Throws: `Failure` `OtherCheckpoint`, `OtherDecoder`, `OtherLabels` (65) when a file is not that
  ///   of the result; `CannotSampleAgain` (65) when the result does not say enough; why the file is
  ///   refused.
  public init(
    of provenance: Provenance, checkpoint path: String, decoder: String?, labels: String? = nil
  ) throws {
    let (scored, _) = try provenance.sampled
    try checkContent(of: path, is: scored.sha256, "OtherCheckpoint")
    try self.init(
      as: provenance, checkpoint: path, key: scored.key, decoder: decoder, labels: labels)
    // Version 0.4.0 took what is under state_dict, whatever was beside it, and recorded no key.
    guard scored.key != nil || checkpoint.key == nil || checkpoint.key == "state_dict" else {
      throw Failure(
        .dataRefused, "CannotSampleAgain", path,
        "the result does not say which weights it is of, and the averaged ones are "
          + "'\(checkpoint.key ?? "")'; evaluate again")
    }
  }

  /// A generator of a different checkpoint that samples it as that of a result was: of the state dict of
  /// the same key, or if the result is of averaged weights, of the averaged ones.
  ///
  /// - Throws: As ``init(of:checkpoint:decoder:)``, but for `OtherCheckpoint`.
  public init(
    as provenance: Provenance, checkpoint path: String, decoder: String?, labels: String? = nil
  ) throws {
    let key = try CheckpointFile.open(path).key(like: provenance.checkpoint?.key)
    try self.init(
      as: provenance, checkpoint: path, key: key, decoder: decoder, labels: labels)
  }

  private init(
    as provenance: Provenance, checkpoint path: String, key: String?, decoder: String?,
    labels: String?
  ) throws {
    let (_, sampler) = try provenance.sampled
    let loaded = try provenance.decoder.map { scored in
      guard let decoder else {
        throw Failure(
          .unavailable, "DecoderMissing", scored.file,
          "the result's images are decoded latents; give the decoder with --decoder")
      }
      try checkContent(of: decoder, is: scored.sha256, "OtherDecoder")
      return try LoadedDecoder(path: decoder, scale: scored.scale, tile: scored.tile)
    }
    try self.init(
      checkpoint: path, key: key, settings: try SamplingSettings(sampler, labels: labels),
      decoder: loaded,
      precision: sampler.precision ?? .float32)
    var now = self.provenance
    // The file of the same labels may have another name now.
    if now.labelsSha256 != nil { now.labels = sampler.labels }
    // Older results do not say it; it follows from the rest.
    if sampler.networkEvaluations == nil { now.networkEvaluations = nil }
    guard try encodedJSON(now) == encodedJSON(sampler) else {
      throw Failure(
        .dataRefused, "CannotSampleAgain", path,
        "this version would sample it in another way than the result's sampler")
    }
  }
}

extension Provenance {
  /// What was sampled, and how.
  ///
  /// - Throws: `Failure` `CannotSampleAgain` (64) when it is images that were scored.
  fileprivate var sampled: (CheckpointProvenance, SamplerProvenance) {
    get throws(Failure) {
      guard let checkpoint, let sampler else {
        throw Failure(
          .usage, "CannotSampleAgain", images ?? "the result",
          "the result is of images, not of a checkpoint: there is nothing to sample")
      }
      return (checkpoint, sampler)
    }
  }
}

/// - Throws: `Failure` with that code (65) when the file's SHA-256 is another.
package func checkContent(of path: String, is sha256: String, _ code: String) throws {
  let found = try Files.sha256(ofFile: path)
  guard found == sha256 else {
    throw Failure(.dataRefused, code, path, "SHA-256 \(found), but the result is of \(sha256)")
  }
}

extension SamplingSettings {
  /// The settings that a result was sampled with.
  ///
  /// - Parameter file: Where its labels are, if they came from a file.
  /// - Throws: `Failure` `CannotSampleAgain` (65) when they cannot be told from the result: labels or
  ///   noise of a file, or a name that this version does not know; `OtherLabels` (65).
  init(_ provenance: SamplerProvenance, labels file: String?) throws {
    self.init()
    func unknown(_ what: String, _ value: String) -> Failure {
      Failure(
        .dataRefused, "CannotSampleAgain", "\(what) \(value)",
        "the result does not hold it, or this version does not know it")
    }
    guard let sampler = SamplerName(rawValue: provenance.name) else {
      throw unknown("sampler", provenance.name)
    }
    guard let prediction = PredictionName(rawValue: provenance.prediction) else {
      throw unknown("prediction", provenance.prediction)
    }
    if let expected = provenance.labelsSha256 {
      guard let file else { throw unknown("labels", provenance.labels) }
      labels = try LabelPolicy(file)
      guard labels.sha256 == expected else {
        throw Failure(
          .dataRefused, "OtherLabels", file,
          "labels with SHA-256 \(labels.sha256 ?? "none"), but the result's have \(expected)")
      }
    } else {
      switch provenance.labels {
      case "uniform": labels = .uniform
      case "balanced": labels = .balanced
      case let text:
        guard let label = Int(text) else { throw unknown("labels", text) }
        labels = .fixed(label)
      }
    }
    self.sampler = sampler
    self.prediction = prediction
    (respacing, eta, seed) = (provenance.respacing, provenance.eta, provenance.seed)
    guidanceScale = provenance.cfgScale
    if let ends = provenance.cfgInterval {
      guard ends.count == 2, ends[0] <= ends[1] else {
        throw unknown("cfg_interval", "\(ends)")
      }
      guidanceInterval = ends[0]...ends[1]
    }
    guidesFirst3 = provenance.cfgChannels == GuidedChannels.first3.rawValue
    clips = provenance.clip
    quantizesLikeADM = provenance.quantizer == Quantizer.adm.rawValue
  }
}
