import Diffusion
import Files
import Foundation
import Tensors

extension Generator {
  /// The generator that made the samples of a result, to make them again.
  ///
  /// - Parameters:
  ///   - provenance: The result's.
  ///   - path: The result's checkpoint, wherever it lies now.
  ///   - decoder: The result's decoder, for a latent model.
  /// - Throws: `Failure` `OtherCheckpoint`, `OtherDecoder` (65) when a file is not that of the
  ///   result; `CannotSampleAgain` (65) when the result does not say enough; why the file is refused.
  public init(of provenance: Provenance, checkpoint path: String, decoder: String?) throws {
    let (scored, _) = try provenance.sampled
    try checkContent(of: path, is: scored.sha256, "OtherCheckpoint")
    try self.init(as: provenance, checkpoint: path, key: scored.key, decoder: decoder)
  }

  /// A generator of another checkpoint that samples it as that of a result was.
  ///
  /// - Parameter key: Which state dict of the file, `ema` if nil and there is one.
  /// - Throws: As ``init(of:checkpoint:decoder:)``, but for `OtherCheckpoint`.
  public init(
    as provenance: Provenance, checkpoint path: String, key: String?, decoder: String?
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
      checkpoint: path, key: key, settings: try SamplingSettings(sampler), decoder: loaded,
      precision: sampler.precision ?? .float32)
    guard try encodedJSON(self.provenance) == encodedJSON(sampler) else {
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
          "the result is of images, not of a checkpoint; give them with --images")
      }
      return (checkpoint, sampler)
    }
  }
}

/// - Throws: `Failure` with that code (65) when the file's SHA-256 is another.
func checkContent(of path: String, is sha256: String, _ code: String) throws {
  let found = try DisEval.sha256(ofFile: path)
  guard found == sha256 else {
    throw Failure(.dataRefused, code, path, "SHA-256 \(found), but the result is of \(sha256)")
  }
}

extension SamplingSettings {
  /// The settings that a result was sampled with.
  ///
  /// - Throws: `Failure` `CannotSampleAgain` (65) when they cannot be told from the result: labels or
  ///   noise of a file, or a name that this version does not know.
  init(_ provenance: SamplerProvenance) throws(Failure) {
    func unknown(_ what: String, _ value: String) -> Failure {
      Failure(
        .dataRefused, "CannotSampleAgain", "\(what) \(value)",
        "the result does not hold it; give the images that were scored with --images")
    }
    guard let sampler = SamplerName(rawValue: provenance.name) else {
      throw unknown("sampler", provenance.name)
    }
    guard let prediction = PredictionName(rawValue: provenance.prediction) else {
      throw unknown("prediction", provenance.prediction)
    }
    let labels: LabelPolicy? =
      switch provenance.labels {
      case "uniform": .uniform
      case "balanced": .balanced
      case let text: Int(text).map(LabelPolicy.fixed)
      }
    guard let labels else { throw unknown("labels", provenance.labels) }
    self.init()
    self.sampler = sampler
    self.prediction = prediction
    self.labels = labels
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
