import Checkpoints
import Files
import Tensors

/// The decoder of a KL autoencoder, which maps latents to images.
///
/// Legend: Cz latent channels, C image channels, h and w latent height and width, s the
/// ``DecoderConfiguration/scale``. A decoder is immutable after loading, so all threads can share
/// it. It processes one image at a time on the calling thread, so no result depends on other
/// images.
/// - SeeAlso: Rombach et al., "High-Resolution Image Synthesis with Latent Diffusion Models", arXiv
///   2112.10752; `AutoencoderKL.decode` in huggingface/diffusers 0.42.1. Not ported: the encoder.
package struct KLDecoder: Sendable {
  /// The architecture.
  package let configuration: DecoderConfiguration

  private let latentConvolution: PackedConvolution?  // [Cz', Cz, 1, 1]
  private let input: PackedConvolution
  private let middle: (first: ResnetBlock, attention: AttentionBlock, last: ResnetBlock)
  private let blocks: [UpBlock]
  private let outputNorm: Normalization
  private let output: PackedConvolution

  /// Loads a decoder whose architecture is determined from the shapes in `state`, which may also
  /// hold the encoder and a diffusion model.
  ///
  /// - Throws: ``Failure`` (65) `NotADecoder` if it is a different network, `CheckpointMismatch`
  ///   with all tensors of the decoder that are missing, unexpected or of a different shape, or the
  ///   failure of reading a tensor.
  package init(_ state: StateDict) throws(Failure) {
    let names = try DecoderNames(state)
    try self.init(try DecoderConfiguration(state, names), WeightReader(state), names) {
      state.info($0)?.shape.count == 2
    }
  }

  /// Loads a decoder of that architecture from weights with diffusers' names.
  ///
  /// - Throws: ``Failure`` `CheckpointMismatch` (65) with all tensors that are missing, unexpected
  ///   or of a different shape, or the failure of reading a tensor.
  package init(_ configuration: DecoderConfiguration, _ reader: WeightReader) throws(Failure) {
    let names = DecoderNames(blockCount: configuration.blockChannels.count)
    try self.init(configuration, reader, names) { _ in false }
  }

  private init(
    _ configuration: DecoderConfiguration, _ reader: WeightReader, _ names: DecoderNames,
    isMatrix: (String) -> Bool
  ) throws(Failure) {
    self.configuration = configuration
    var reader = reader
    let channels = configuration.blockChannels
    let (first, last) = (channels[0], channels[channels.count - 1])
    let latentChannels = configuration.latentChannels
    latentConvolution = configuration.mixedChannels.map {
      PackedConvolution(&reader, names.latentConvolution, from: latentChannels, to: $0, kernel: 1)
    }
    input = PackedConvolution(
      &reader, names.input, from: configuration.mixedChannels ?? latentChannels, to: first)
    func middleResnet(_ index: Int) -> ResnetBlock {
      ResnetBlock(&reader, names.middleResnet(index), names, from: first, to: first)
    }
    middle = (
      middleResnet(0),
      AttentionBlock(&reader, names, channels: first, isMatrix: isMatrix),
      middleResnet(1)
    )
    blocks = channels.indices.map { UpBlock(&reader, names, configuration, index: $0) }
    outputNorm = Normalization(&reader, names.outputNorm, channels: last)
    output = PackedConvolution(&reader, names.output, from: last, to: configuration.imageChannels)
    try reader.finish(ignoring: names.ignores)
  }

  /// Decodes one latent.
  ///
  /// - Parameter z: `[Cz, h, w]`, divided by the scale of the diffusion model's latents.
  /// - Returns: `[C, s h, s w]`, nominally in [-1, 1] but not clamped.
  package func callAsFunction(_ z: Tensor) -> Tensor {
    precondition(
      z.shape.count == 3 && z.shape[0] == configuration.latentChannels, "latent \(z.shape)")
    let latent = channelsLast(z)
    var x = input(latentConvolution.map { $0(latent) } ?? latent)
    middle.first(&x)
    middle.attention(&x)
    middle.last(&x)
    for block in blocks { block(&x) }
    outputNorm(inPlace: &x)
    return channelsFirst(output(x))
  }

  /// Returns the floating-point operations of one decode, as
  /// ``DecoderConfiguration/operations(latentSide:)`` counts them.
  ///
  /// - Parameter latentSide: The height and width of the latent in latent pixels.
  package func operations(latentSide: Int) -> Int {
    configuration.operations(latentSide: latentSide)
  }

  /// Returns an upper bound of the memory in bytes of a process that decodes one latent at a time:
  /// the weights, and ``DecoderConfiguration/workingBytes(latentSide:)`` once per thread.
  ///
  /// - Parameter latentSide: The height and width of the latent in latent pixels.
  package func peakBytes(latentSide: Int) -> Int {
    4 * configuration.parameterCount + configuration.workingBytes(latentSide: latentSide)
  }
}
