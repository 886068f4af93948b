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
      "Number that is added to latents after the division, as for FLUX's autoencoder. (default: 0)",
      valueName: "shift"))
  var latentShift: Double?

  @Option(
    help: ArgumentHelp(
      """
      File with the mean and std of each channel by which latents were normalised, such as VA-VAE's \
      latents_stats.pt, as .pt, .safetensors or .npz. Latents are multiplied by std, divided by \
      --latent-scale, and mean is added.
      """, valueName: "file"))
  var latentStats: String?

  @Option(
    help: ArgumentHelp(
      "Decode in overlapping tiles with this side in latent pixels. Needs less memory, but changes "
        + "the images.", valueName: "pixels"))
  var decoderTile: Int?

  func validate() throws {
    guard decoder == nil else { return }
    let given: [(String, Bool)] = [
      ("--latent-scale", latentScale != nil), ("--latent-shift", latentShift != nil),
      ("--latent-stats", latentStats != nil), ("--decoder-tile", decoderTile != nil),
    ]
    if let option = given.first(where: \.1)?.0 {
      throw ValidationError("\(option) needs --decoder.")
    }
  }

  /// Whether no option is given, except the file of the decoder.
  var isUntouched: Bool {
    latentScale == nil && latentShift == nil && latentStats == nil && decoderTile == nil
  }

  /// Returns the request for the decoder; nil if there is none.
  ///
  /// - Throws: `Failure` if the file of `--latent-stats` cannot be read or is not valid.
  func request() throws -> DecoderRequest? {
    guard let decoder else { return nil }
    var request = DecoderRequest(
      path: decoder, scale: latentScale ?? LoadedDecoder.stableDiffusionScale, tile: decoderTile)
    request.shift = latentShift
    if let latentStats {
      let statistics = try LatentStatistics(path: latentStats)
      (request.channelMeans, request.channelDeviations) = (
        statistics.means, statistics.deviations
      )
    }
    return request
  }
}
