import ArgumentParser
import DisEval

/// What makes images of the latents of a latent model.
struct DecoderOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Decoder for a checkpoint that makes latents: Stable Diffusion's autoencoder.",
      valueName: "file"))
  var decoder: String?

  @Option(
    help: ArgumentHelp(
      "What latents are divided by before they are decoded. (default: 0.18215)",
      valueName: "number"))
  var latentScale: Double?

  @Option(
    help: ArgumentHelp(
      "Decode in overlapping tiles of this side in the latent: less memory, but another image.",
      valueName: "pixels"))
  var decoderTile: Int?

  func validate() throws {
    if decoder == nil, latentScale != nil || decoderTile != nil {
      throw ValidationError("--latent-scale and --decoder-tile need --decoder.")
    }
  }

  /// The decoder in plain values, nil without one.
  var request: DecoderRequest? {
    decoder.map {
      DecoderRequest(
        path: $0, scale: latentScale ?? LoadedDecoder.stableDiffusionScale, tile: decoderTile)
    }
  }
}
