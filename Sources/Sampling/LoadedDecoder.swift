import Autoencoder
import Checkpoints
import Files
import Foundation
import Results
import Tensors

/// What turns the latents of a latent model into images, and where its weights came from.
public struct LoadedDecoder: Sendable {
  /// What Stable Diffusion's latents are multiplied by, and with them those of DiS, DiT and U-ViT.
  public static let stableDiffusionScale = 0.18215

  /// For results.
  public let provenance: DecoderProvenance
  private let decoder: KLDecoder

  /// Loads a decoder.
  ///
  /// - Parameters:
  ///   - path: `.safetensors`, `.bin`, `.ckpt` or `.pt`, recognised by content.
  ///   - scale: What latents are divided by before they are decoded.
  ///   - tile: Side of overlapping tiles in pixels of the latent, a multiple of 4; nil to decode
  ///     latents as a whole.
  /// - Throws: `Failure` `InvalidLatentScale`, `InvalidTile`, or why the file is refused.
  public init(path: String, scale: Double = stableDiffusionScale, tile: Int? = nil) throws {
    guard scale.isFinite, scale > 0 else {
      throw Failure(
        .usage, .invalidLatentScale, "--latent-scale \(scale)", "expected a number above 0")
    }
    if let tile, tile < 4 || !tile.isMultiple(of: 4) {
      throw Failure(
        .usage, .invalidTile, "--decoder-tile \(tile)",
        "expected a multiple of 4: tiles overlap by a quarter")
    }
    decoder = try KLDecoder(try CheckpointFile.open(path).taken(nil, option: nil).state)
    provenance = DecoderProvenance(
      file: lastComponent(path), sha256: try sha256(ofFile: path), scale: scale, tile: tile)
  }

  /// - Throws: `Failure` `OutOfMemory` when decoding latents of that side, or tiles of them,
  ///   needs more memory than the machine has.
  func checkMemory(latentSide: Int) throws(Failure) {
    let side = min(latentSide, provenance.tile ?? latentSide)
    let (needed, available) = (
      decoder.peakBytes(latentSide: side), ProcessInfo.processInfo.physicalMemory
    )
    guard needed <= available else {
      throw Failure(
        .outOfMemory, .outOfMemory, provenance.file,
        "decoding a latent of \(side) x \(side) takes up to \(needed >> 20) MiB, and the machine has "
          + "\(available >> 20); decode in tiles, as in --decoder-tile 32")
    }
  }

  /// What decoding one latent takes, from a timing of a small one: the smaller, the slower is each of
  /// its operations.
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

  /// Channels of the latents that it takes.
  package var latentChannels: Int { decoder.configuration.latentChannels }

  /// Channels of the images that it makes.
  package var imageChannels: Int { decoder.configuration.imageChannels }

  /// Pixels of an image along one pixel of a latent.
  package var pixelsPerLatent: Int { decoder.configuration.scale }

  /// The image of one latent, `[L, h, w]` to `[C, s h, s w]`, not clamped.
  package func callAsFunction(_ latent: Tensor) -> Tensor {
    let scale = Float(provenance.scale)
    let z = Tensor(shape: latent.shape, values: latent.values.map { $0 / scale })
    return provenance.tile.map { decoder(z, tile: $0) } ?? decoder(z)
  }
}
