import Autoencoder
import Checkpoints
import Files
import Foundation
import Results
import Tensors

/// A decoder that converts the latents of a latent model to images, and the origin of its weights.
public struct LoadedDecoder: Sendable {
  /// The factor that the latents of Stable Diffusion, and with them those of DiS, DiT and U-ViT,
  /// are multiplied by.
  public static let stableDiffusionScale = 0.18215

  /// The origin of the weights, for results.
  public let provenance: DecoderProvenance
  private let decoder: KLDecoder
  /// What becomes of a value of each channel of a latent, `[L]`: it is multiplied by `factor` and
  /// divided by the scale, then `offset` is added. Nil if it is only divided.
  private let channels: [(factor: Float, offset: Float)]?

  /// Loads a decoder.
  ///
  /// - Parameters:
  ///   - path: The path of a `.safetensors`, `.bin`, `.ckpt` or `.pt` file, recognised by content.
  ///   - scale: The number by which latents are divided before decoding.
  ///   - shift: The number that is added to latents after the division, such as the `shift_factor` of
  ///     FLUX's autoencoder; nil to add nothing.
  ///   - statistics: The mean and standard deviation of each channel, by which latents were
  ///     normalised; nil if they were not.
  ///   - tile: The side of overlapping tiles in latent pixels, a multiple of 4; nil to decode
  ///     latents as a whole.
  /// - Throws: `Failure` (64) `InvalidLatentScale` if `scale` is not a positive number,
  ///   `InvalidLatentShift` if `shift` is not finite or given with `statistics`, or `InvalidTile` if
  ///   `tile` is not a positive multiple of 4; (65) if the file is not a decoder, or
  ///   `LatentStatisticsInvalid` if `statistics` are of another number of channels; or the error that
  ///   reading the file throws.
  public init(
    path: String, scale: Double = stableDiffusionScale, shift: Double? = nil,
    statistics: LatentStatistics? = nil, tile: Int? = nil
  ) throws {
    guard scale.isFinite, scale > 0 else {
      throw Failure(
        .usage, .invalidLatentScale, "`decoder.scale` \(scale)", "expected a number above 0")
    }
    if let shift {
      guard Float(shift).isFinite else {
        throw Failure(
          .usage, .invalidLatentShift, "`decoder.shift` \(shift)", "expected a finite number")
      }
      guard statistics == nil else {
        throw Failure(
          .usage, .invalidLatentShift, "`decoder.shift` \(shift)",
          "cannot be used with `decoder.channels`, whose means are added instead")
      }
    }
    if let tile, tile < 4 || !tile.isMultiple(of: 4) {
      throw Failure(
        .usage, .invalidTile, "`decoder.tile` \(tile)",
        "expected a multiple of 4: tiles overlap by a quarter")
    }
    let taken = try CheckpointFile.open(path).taken(nil, option: nil) {
      (try? DecoderConfiguration($0)) != nil
    }
    decoder = try KLDecoder(taken.state)
    let count = decoder.configuration.latentChannels
    if let statistics, statistics.means.count != count {
      throw Failure(
        .dataRefused, .latentStatisticsInvalid, "`decoder.channels`",
        "\(statistics.means.count) channels, but the latents of '\(lastComponent(path))' have \(count)"
      )
    }
    channels =
      statistics.map { statistics in
        zip(statistics.deviations, statistics.means).map { (Float($0), Float($1)) }
      } ?? shift.map { [(Float, Float)](repeating: (1, Float($0)), count: count) }
    var provenance = DecoderProvenance(
      file: lastComponent(path), sha256: try sha256(ofCheckpoint: path), scale: scale, tile: tile)
    provenance.shift = shift
    (provenance.channelMeans, provenance.channelDeviations) = (
      statistics?.means, statistics?.deviations
    )
    self.provenance = provenance
  }

  /// Checks that the machine has enough memory for decoding.
  ///
  /// - Parameter latentSide: The side of a latent in pixels.
  /// - Throws: `Failure` `OutOfMemory` (71) if decoding such a latent, or a tile of it, needs more
  ///   memory than the machine has.
  package func checkMemory(latentSide: Int) throws(Failure) {
    let side = min(latentSide, provenance.tile ?? latentSide)
    let (needed, available) = (
      decoder.peakBytes(latentSide: side), ProcessInfo.processInfo.physicalMemory
    )
    guard needed <= available else {
      throw Failure(
        .outOfMemory, .outOfMemory, provenance.file,
        "decoding a latent of \(side) x \(side) takes up to \(needed >> 20) MiB, and the machine has "
          + "\(available >> 20); decode in tiles, as in `decoder.tile` 32")
    }
  }

  /// Returns the estimated cost of decoding one latent, extrapolated from a timing of a small one,
  /// whose operations are slower.
  ///
  /// - Parameter latentSide: The height and width of a latent in latent pixels.
  /// - Returns: The time in seconds, and the peak memory in bytes.
  package func cost(latentSide: Int) -> (seconds: Double, bytes: Int) {
    let (side, probe) = (min(latentSide, provenance.tile ?? latentSide), min(latentSide, 16))
    let seconds =
      ContinuousClock().measure {
        _ = decoder(Tensor(zeros: [latentChannels, probe, probe]))
      } / .seconds(1)
    let ratio =
      Double(decoder.operations(latentSide: latentSide))
      / Double(decoder.operations(latentSide: probe))
    return (seconds * ratio, decoder.peakBytes(latentSide: side))
  }

  /// The number of channels of the latents, L.
  package var latentChannels: Int { decoder.configuration.latentChannels }

  /// The number of channels of the images, C.
  package var imageChannels: Int { decoder.configuration.imageChannels }

  /// The number of image pixels along one latent pixel, s.
  package var pixelsPerLatent: Int { decoder.configuration.scale }

  /// Returns the refusal of a decoded sample with values that are not finite.
  ///
  /// - Parameter index: The index of the sample.
  package func notFinite(sample index: Int) -> Failure {
    Failure(
      .dataRefused, .notFinite, provenance.file,
      "the decoded sample \(index) has values that are not finite; is it the decoder that the "
        + "model was trained with?")
  }

  /// Decodes one latent. The result is not clamped.
  ///
  /// - Parameter latent: `[L, H, W]`, in the scale of the diffusion model.
  /// - Returns: `[C, s H, s W]`, nominally in [-1, 1].
  package func callAsFunction(_ latent: Tensor) -> Tensor {
    let scale = Float(provenance.scale)
    var z = latent
    if let channels {
      let pixels = latent.values.count / channels.count
      for (channel, (factor, offset)) in channels.enumerated() {
        for index in channel * pixels..<(channel + 1) * pixels {
          z.values[index] = z.values[index] * factor / scale + offset
        }
      }
    } else {
      z = Tensor(shape: latent.shape, values: latent.values.map { $0 / scale })
    }
    return provenance.tile.map { decoder(z, tile: $0) } ?? decoder(z)
  }
}
