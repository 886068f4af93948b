import Checkpoints
import Files
import Tensors

/// The decoder of a KL autoencoder: latents to images.
///
/// Legend: L latent channels, C image channels, h and w the latent's extents, s the
/// ``DecoderConfiguration/scale``. Immutable after loading, so one decoder serves every thread. One
/// image at a time on the calling thread: no result depends on its neighbours.
/// - SeeAlso: Rombach et al., "High-Resolution Image Synthesis with Latent Diffusion Models", arXiv
///   2112.10752; `AutoencoderKL.decode` in huggingface/diffusers 0.42.1. Not ported: the encoder.
package struct KLDecoder: Sendable {
  /// The architecture.
  package let configuration: DecoderConfiguration

  private let latentConvolution: PackedConvolution?  // [L', L, 1, 1]
  private let input: PackedConvolution
  private let middle: (first: ResnetBlock, attention: AttentionBlock, last: ResnetBlock)
  private let blocks: [UpBlock]
  private let outputNorm: Normalization
  private let output: PackedConvolution

  /// Loads a decoder whose architecture is read off the shapes in `state`, which may hold the
  /// encoder and a diffusion model beside it.
  ///
  /// - Throws: ``Failure`` `NotADecoder`, or `CheckpointMismatch` with every key of the decoder
  ///   that is missing, unexpected or of another shape.
  package init(_ state: StateDict) throws(Failure) {
    let names = try DecoderNames(state)
    try self.init(try DecoderConfiguration(state, names), WeightReader(state), names) {
      state.info($0)?.shape.count == 2
    }
  }

  /// A decoder of that architecture with weights by diffusers' names.
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
  /// - Parameter z: `[L, h, w]`, divided by the scale that the diffusion model's latents have.
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

  /// See ``DecoderConfiguration/operations(latentSide:)``.
  package func operations(latentSide: Int) -> Int {
    configuration.operations(latentSide: latentSide)
  }

  /// An upper bound of the memory of a process that decodes one latent at a time: weights, and what
  /// ``DecoderConfiguration/workingBytes(latentSide:)`` counts once for each thread.
  ///
  /// - Parameter latentSide: Side of the square latent.
  package func peakBytes(latentSide: Int) -> Int {
    4 * configuration.parameterCount + configuration.workingBytes(latentSide: latentSide)
  }
}
