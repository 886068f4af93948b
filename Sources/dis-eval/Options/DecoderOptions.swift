import ArgumentParser
import DisEval

/// How the latents of a latent model are decoded to images.
struct DecoderOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Decoder for a checkpoint of a latent model: Stable Diffusion's autoencoder.",
      valueName: "file"))
  var decoder: String?

  @Option(
    help: ArgumentHelp(
      "Number by which latents are divided before decoding. (default: 0.18215)",
      valueName: "scale"))
  var latentScale: Double?

  @Option(
    help: ArgumentHelp(
      "Decode in overlapping tiles with this side in latent pixels. Needs less memory, but changes "
        + "the images.", valueName: "pixels"))
  var decoderTile: Int?

  func validate() throws {
    if decoder == nil, latentScale != nil || decoderTile != nil {
      throw ValidationError("--latent-scale and --decoder-tile need --decoder.")
    }
  }

  /// The request for the decoder; nil if there is none.
  var request: DecoderRequest? {
    decoder.map {
      DecoderRequest(
        path: $0, scale: latentScale ?? LoadedDecoder.stableDiffusionScale, tile: decoderTile)
    }
  }
}
