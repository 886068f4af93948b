import Checkpoints
import Files
import Foundation

/// The mean and standard deviation of each channel of latents, by which a diffusion model's latents
/// were normalised for its training.
///
/// Latents of a model are turned back into those of the autoencoder as `z · deviation / scale + mean`,
/// channel by channel, which is what LightningDiT does with VA-VAE's `latents_stats.pt` and diffusers
/// with `latents_mean` and `latents_std` of an autoencoder's configuration.
public struct LatentStatistics: Equatable, Sendable {
  /// The mean of each channel, `[L]`.
  public let means: [Double]
  /// The standard deviation of each channel, `[L]`, all above 0.
  public let deviations: [Double]

  /// Creates the statistics from numbers.
  ///
  /// - Parameters:
  ///   - means: The mean of each channel, `[L]`.
  ///   - deviations: The standard deviation of each channel, `[L]`.
  ///   - subject: What the numbers are called in messages.
  /// - Throws: `Failure` `LatentStatisticsInvalid` (65) if there are none, the arrays differ in
  ///   length, a number is not finite, or a deviation is not above 0.
  public init(
    means: [Double], deviations: [Double], subject: String = "`decoder.channels`"
  ) throws(Failure) {
    func refusal(_ detail: String) -> Failure {
      Failure(.dataRefused, .latentStatisticsInvalid, subject, detail)
    }
    guard means.count == deviations.count, !means.isEmpty else {
      throw refusal("\(means.count) means and \(deviations.count) standard deviations")
    }
    // In float32, in which latents are decoded.
    if let index = means.firstIndex(where: { !Float($0).isFinite }) {
      throw refusal("the mean of channel \(index) is \(means[index])")
    }
    if let index = deviations.firstIndex(where: { !Float($0).isFinite || Float($0) <= 0 }) {
      throw refusal(
        "the standard deviation of channel \(index) is \(deviations[index]), expected above 0")
    }
    (self.means, self.deviations) = (means, deviations)
  }

  /// Reads the arrays `mean` and `std` of a file.
  ///
  /// - Parameter path: The path of a `.pt`, `.safetensors` or `.npz` file, recognised by content. The
  ///   arrays may have axes of length 1, such as `[1, L, 1, 1]`.
  /// - Throws: `Failure` `LatentStatisticsInvalid` (65) if there are no such arrays, if they are not one
  ///   number for each channel, or as ``init(means:deviations:subject:)`` does; or the failure of
  ///   reading the file.
  public init(path: String) throws {
    func values(_ name: String, _ array: NPYArray) throws(Failure) -> [Double] {
      guard array.shape.count(where: { $0 != 1 }) <= 1 else {
        throw Failure(
          .dataRefused, .latentStatisticsInvalid, path,
          "'\(name)' of shape \(array.shape), expected one number for each channel")
      }
      return array.doubles()
    }
    func missing(_ names: [String]) -> Failure {
      Failure(
        .dataRefused, .latentStatisticsInvalid, path,
        "no arrays 'mean' and 'std', only \(names.prefix(8).map { "'\($0)'" }.joined(separator: ", "))"
      )
    }
    // A file of PyTorch is a zip archive too, but not of arrays.
    if let archive = try? NPZ.read(path), archive.names.allSatisfy({ !$0.hasSuffix("data.pkl") }) {
      guard archive.names.contains("mean"), archive.names.contains("std") else {
        throw missing(archive.names)
      }
      try self.init(
        means: values("mean", archive.array("mean")),
        deviations: values("std", archive.array("std")), subject: path)
    } else {
      let state = try CheckpointFile.open(path).stateDict(key: nil)
      guard state.info("mean") != nil, state.info("std") != nil else { throw missing(state.names) }
      try self.init(
        means: values("mean", state.array("mean")), deviations: values("std", state.array("std")),
        subject: path)
    }
  }
}
