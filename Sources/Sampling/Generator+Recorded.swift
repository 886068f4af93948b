import Checkpoints
import Files
import Results

extension CheckpointRequest {
  /// Creates the request for the samples of a recorded evaluation.
  ///
  /// - Parameters:
  ///   - provenance: The provenance of the evaluation.
  ///   - path: The path of the checkpoint.
  ///   - isSame: Whether the checkpoint must be the recorded one. A different one is sampled in the
  ///     same way, from the state dict with the same key, or from the averaged weights if the
  ///     recorded ones were averaged.
  ///   - decoder: The path of the recorded decoder, for a latent model.
  ///   - labels: The path of the recorded labels, if they came from a file.
  /// - Throws: `Failure` `OtherCheckpoint` or `OtherDecoder` (65) if a file is not the recorded
  ///   one; `CannotSampleAgain` (64) if no checkpoint was sampled, or (65) if the labels are not
  ///   recorded and not given; `DecoderMissing` (69) if the decoder is not given; or the error that
  ///   reading a file throws.
  package init(
    repeating provenance: Provenance, checkpoint path: String, isSame: Bool, decoder: String?,
    labels: String?
  ) throws {
    guard let scored = provenance.checkpoint, let sampler = provenance.sampler else {
      throw Failure(
        .usage, .cannotSampleAgain, provenance.images ?? "the result",
        "the result is of images, not of a checkpoint: there is nothing to sample")
    }
    if isSame { try checkContent(of: path, is: scored.sha256, .otherCheckpoint) }
    var sampling = try SamplingRequest(repeating: sampler)
    if sampler.labelsSha256 != nil {
      guard let labels else {
        throw Failure(
          .dataRefused, .cannotSampleAgain, "labels \(sampler.labels)",
          "the result does not contain them")
      }
      sampling.labels = labels
    }
    let decoder = try provenance.decoder.map { try DecoderRequest(repeating: $0, path: decoder) }
    let key = isSame ? scored.key : try CheckpointFile.open(path).key(like: scored.key)
    self.init(
      path: path, key: key, backbone: BackboneRequest(repeating: scored), decoder: decoder,
      sampling: sampling)
  }
}

extension DecoderRequest {
  /// Creates the request for a recorded decoder at its current location.
  ///
  /// - Throws: `Failure` `DecoderMissing` (69) if there is no location, `OtherDecoder` (65) if a
  ///   different file is there, or the error that reading it throws.
  package init(repeating recorded: DecoderProvenance, path: String?) throws {
    guard let path else {
      throw Failure(
        .unavailable, .decoderMissing, recorded.file,
        "the result's images are decoded latents; give the decoder with `decoder`")
    }
    try checkContent(of: path, is: recorded.sha256, .otherDecoder)
    self.init(recorded, path: path)
  }
}

extension Generator {
  /// Checks that this generator samples as a recorded evaluation did.
  ///
  /// - Parameters:
  ///   - provenance: The record of the evaluation.
  ///   - isSame: Whether the checkpoint must be the recorded one.
  /// - Throws: `Failure` `OtherLabels` (65) if the labels differ, or `CannotSampleAgain` (65) if
  ///   the record does not name the weights or this version would sample differently.
  package func check(repeats provenance: Provenance, isSame: Bool) throws {
    guard let scored = provenance.checkpoint, let sampler = provenance.sampler else { return }
    // Version 0.4.0 used the contents of state_dict, whatever was next to it, and recorded no key.
    guard
      !isSame || scored.key != nil || checkpoint.key == nil || checkpoint.key == "state_dict"
    else {
      throw Failure(
        .dataRefused, .cannotSampleAgain, checkpoint.file,
        "the result does not say which weights it used, and the averaged ones are "
          + "'\(checkpoint.key ?? "")'; evaluate again")
    }
    var now = self.provenance
    guard now.labelsSha256 == sampler.labelsSha256 else {
      throw Failure(
        .dataRefused, .otherLabels, now.labels,
        "labels with SHA-256 \(now.labelsSha256 ?? "none"), but the result's have "
          + "\(sampler.labelsSha256 ?? "none")")
    }
    // The file with the same labels may have been renamed.
    if now.labelsSha256 != nil { now.labels = sampler.labels }
    // Older results do not contain it; it follows from the other settings.
    if sampler.networkEvaluations == nil { now.networkEvaluations = nil }
    guard try encodedJSON(now) == encodedJSON(sampler) else {
      throw Failure(
        .dataRefused, .cannotSampleAgain, checkpoint.file,
        "this version would not sample it as the result's sampler did")
    }
  }
}

/// Checks that a file has the given SHA-256.
///
/// - Throws: `Failure` `code` (65) if the SHA-256 differs, or the error that reading the file
///   throws.
package func checkContent(of path: String, is sha256: String, _ code: Failure.Code) throws {
  let found = try Checkpoints.sha256(ofCheckpoint: path)
  guard found == sha256 else {
    throw Failure(
      .dataRefused, code, path, "SHA-256 \(found), but the result was computed from \(sha256)")
  }
}
