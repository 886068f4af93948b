import Checkpoints
import Files

/// The names of a decoder's tensors in a file.
struct DecoderNames {
  /// The naming schemes.
  enum Layout {
    /// The names of diffusers: `decoder.mid_block.resnets.0`, and `to_q` in the attention.
    case diffusers
    /// The names of diffusers before 0.15: `query` in the attention.
    case oldDiffusers
    /// The names of CompVis/latent-diffusion: `decoder.mid.block_1`, with blocks counted from the
    /// image inwards.
    case compVis
  }

  let layout: Layout
  /// `first_stage_model.` if the file holds a whole diffusion model.
  private let prefix: String
  /// The number of blocks, each at one resolution.
  let blockCount: Int

  /// Creates diffusers' names in a file that holds only the autoencoder.
  init(blockCount: Int) {
    layout = .diffusers
    prefix = ""
    self.blockCount = blockCount
  }

  /// Recognises the names in `state`.
  ///
  /// - Throws: ``Failure`` `NotADecoder` (65), stating the kind of network if it is known.
  init(_ state: StateDict) throws(Failure) {
    let names = Set(state.names)
    let whole = "first_stage_model."
    let prefix = names.contains { $0.hasPrefix("\(whole)decoder.") } ? whole : ""
    func hasAny(_ beginning: String) -> Bool { names.contains { $0.hasPrefix(prefix + beginning) } }

    let up: String
    if hasAny("quantize.") {
      throw Self.refusal(state, "a vector-quantised autoencoder (VQModel)")
    } else if hasAny("decoder.layers.") {
      throw Self.refusal(state, "an AutoencoderTiny")
    } else if hasAny("decoder.mid_block.") {
      layout = hasAny("decoder.mid_block.attentions.0.query.") ? .oldDiffusers : .diffusers
      up = "\(prefix)decoder.up_blocks.%.resnets.0.conv1.weight"
    } else if hasAny("decoder.mid.") {
      layout = .compVis
      up = "\(prefix)decoder.up.%.block.0.conv1.weight"
    } else if hasAny("encoder.") && !hasAny("decoder.") {
      throw Self.refusal(state, "an encoder without its decoder")
    } else if names.contains(where: { $0.hasSuffix("mixer.in_proj.weight") }) {
      throw Self.refusal(state, "a DiS diffusion model")
    } else {
      throw Self.refusal(state, "an unknown network")
    }
    self.prefix = prefix
    var count = 0
    while names.contains(up.replacing("%", with: "\(count)")) { count += 1 }
    blockCount = count
  }

  static func refusal(_ state: StateDict, _ found: String) -> Failure {
    Failure(
      .dataRefused, .notADecoder, state.path,
      "\(found); expected the KL autoencoder of Stable Diffusion or its decoder, with diffusers' or "
        + "CompVis's names")
  }

  /// Returns whether the decoder does not use a tensor: the encoder, tensors for training only, and
  /// everything else in a whole diffusion model.
  func ignores(_ name: String) -> Bool {
    guard name.hasPrefix(prefix) else { return true }
    let rest = name.dropFirst(prefix.count)
    return ["encoder.", "quant_conv.", "loss.", "model_ema."].contains { rest.hasPrefix($0) }
  }

  var latentConvolution: String { "\(prefix)post_quant_conv" }
  var input: String { "\(prefix)decoder.conv_in" }
  var outputNorm: String { "\(decoder)\(layout == .compVis ? "norm_out" : "conv_norm_out")" }
  var output: String { "\(prefix)decoder.conv_out" }

  /// Returns the name of the residual block before (0) or after (1) the attention.
  func middleResnet(_ index: Int) -> String {
    decoder + (layout == .compVis ? "mid.block_\(index + 1)" : "mid_block.resnets.\(index)")
  }

  /// Returns the name of residual block `index` of block `block`, the smallest resolution first.
  func resnet(_ block: Int, _ index: Int) -> String {
    layout == .compVis
      ? "\(decoder)up.\(blockCount - 1 - block).block.\(index)"
      : "\(decoder)up_blocks.\(block).resnets.\(index)"
  }

  /// Returns the name of the convolution after the upsampling at the end of block `block`.
  func upsampler(_ block: Int) -> String {
    layout == .compVis
      ? "\(decoder)up.\(blockCount - 1 - block).upsample.conv"
      : "\(decoder)up_blocks.\(block).upsamplers.0.conv"
  }

  /// The name of the 1 x 1 convolution in a residual block whose number of channels changes.
  var shortcut: String { layout == .compVis ? "nin_shortcut" : "conv_shortcut" }

  /// The names of the layers of the attention.
  var attention: (norm: String, query: String, key: String, value: String, output: String) {
    let names =
      switch layout {
      case .diffusers: ("group_norm", "to_q", "to_k", "to_v", "to_out.0")
      case .oldDiffusers: ("group_norm", "query", "key", "value", "proj_attn")
      case .compVis: ("norm", "q", "k", "v", "proj_out")
      }
    let module = decoder + (layout == .compVis ? "mid.attn_1." : "mid_block.attentions.0.")
    return (
      module + names.0, module + names.1, module + names.2, module + names.3, module + names.4
    )
  }

  private var decoder: String { "\(prefix)decoder." }
}
