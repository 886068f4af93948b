import Checkpoints
import Diffusion
import Files
import Tensors

/// The network of DiT and SiT: transformer blocks whose normalisations are shifted, scaled and gated by
/// the time and the class.
///
/// Legend: C channels, p patch size, L tokens, D width, h hidden width, Co output channels.
/// - SeeAlso: Peebles & Xie, "Scalable Diffusion Models with Transformers", arXiv 2212.09748, section
///   3.2 (adaLN-Zero); `models.py` in facebookresearch/DiT at ed81ce2 and in willisma/SiT at 947f95b;
///   `models/sit.py` in sihyun-yu/REPA at 67f7145. Not ported: training, projectors.
package struct DiTModel: Backbone {
  package let architecture: Architecture
  package let precision: Precision

  private let patches: PatchTokens
  private let patchEmbedding: PackedLinear  // C p p to D, inputs in order (C, p1, p2)
  private let positions: Tensor  // [L, D]
  private let timeIn: PackedLinear  // 256 to D
  private let timeOut: PackedLinear  // D to D
  private let labels: Tensor  // [classes + 1, D], the last row for "no class"
  private let blocks: [DiTBlock]
  private let modulation: PackedLinear  // D to 2D: shift, then scale
  private let head: PackedLinear  // D to p p Ch, outputs in order (p1, p2, Ch), Ch = Co or 2 Co
  private let headChannels: Int

  /// The width of the embedding of the time.
  private static let timeWidth = 256

  /// Loads a model.
  ///
  /// - Parameters:
  ///   - configuration: The architecture.
  ///   - family: DiT, SiT or REPA.
  ///   - process: The process that the network was trained for.
  ///   - weights: The tensors.
  ///   - precision: The number format of the products in the linear layers of the blocks.
  /// - Throws: ``Failure`` `CheckpointMismatch` (65) with all tensors that are missing, unexpected
  ///   or of a different shape, or the failure of reading a tensor.
  package init(
    _ configuration: DiTConfiguration, family: BackboneFamily, process: DiffusionProcess,
    _ weights: WeightReader, precision: Precision = .float32
  ) throws(Failure) {
    let (d, p, c) = (configuration.width, configuration.patchSize, configuration.channels)
    self.precision = precision
    headChannels = configuration.headChannels
    architecture = Architecture(configuration, family: family, process: process)
    patches = PatchTokens(side: configuration.imageSide, patch: p)
    var reader = weights
    patchEmbedding = reader.linear("x_embedder.proj", from: c * p * p, to: d, shape: [d, c, p, p])
    positions = reader.tensor("pos_embed", [1, configuration.tokenCount, d])
      .arranged([configuration.tokenCount, d])
    timeIn = reader.linear("t_embedder.mlp.0", from: Self.timeWidth, to: d)
    timeOut = reader.linear("t_embedder.mlp.2", from: d, to: d)
    labels = reader.tensor("y_embedder.embedding_table.weight", [configuration.classCount + 1, d])
    blocks = configuration.blockNames.map {
      DiTBlock(&reader, prefix: $0, configuration, precision: precision)
    }
    modulation = reader.linear("final_layer.adaLN_modulation.1", from: d, to: 2 * d)
    head = reader.linear("final_layer.linear", from: d, to: p * p * configuration.headChannels)
    try reader.finish { $0.hasPrefix("projectors.") && family == .repa }
  }

  package func callAsFunction(_ x: Tensor, time: Double, label: Int?) -> Tensor {
    precondition(x.shape == architecture.inputShape, "input \(x.shape)")
    let label = label ?? architecture.classCount ?? 0
    var tokens = patchEmbedding(patches.cut(x))
    tokens.add(positions)

    let width = architecture.width
    var condition = timeOut(
      silu(timeIn(timestepEmbedding(Float(time), dimension: Self.timeWidth))))  // [1, D]
    condition.add(
      Tensor(
        shape: [1, width], values: Array(labels.values[label * width..<(label + 1) * width])))
    condition = silu(condition)

    for block in blocks { block(&tokens, condition: condition) }
    let final = modulation(condition).chunks(2)
    var y = layerNorm(tokens)
    y.modulate(shift: final[0], scale: final[1])
    let image = patches.assembled(head(y), dropping: 0, channels: headChannels)
    // The channels of the variance of SiT were never trained.
    let shape = architecture.outputShape
    return Tensor(shape: shape, values: Array(image.values.prefix(shape.reduce(1, *))))
  }
}

/// A block: attention and two linear layers, each after a normalisation that is shifted and scaled, and
/// added with a gate.
struct DiTBlock: Sendable {
  let modulation: PackedLinear  // D to 6D: shift, scale, gate of each half
  let attention: SelfAttention
  let feedForward: FeedForward

  init(
    _ reader: inout WeightReader, prefix: String, _ configuration: DiTConfiguration,
    precision: Precision
  ) {
    let d = configuration.width
    attention = SelfAttention(
      &reader, prefix: "\(prefix).attn", width: d, heads: configuration.heads, hasBias: true,
      normalizesHeads: configuration.normalizesHeads, precision: precision)
    feedForward = FeedForward(
      &reader, prefix: "\(prefix).mlp", width: d, hidden: configuration.hiddenWidth,
      activation: .tanh, precision: precision)
    modulation = reader.linear("\(prefix).adaLN_modulation.1", from: d, to: 6 * d)
  }

  /// Applies the block.
  ///
  /// - Parameters:
  ///   - tokens: `[L, D]`.
  ///   - condition: SiLU of the sum of the time and the class, `[1, D]`.
  func callAsFunction(_ tokens: inout Tensor, condition: Tensor) {
    let parts = modulation(condition).chunks(6)
    var x = layerNorm(tokens)
    x.modulate(shift: parts[0], scale: parts[1])
    tokens.add(attention(x), gate: parts[2])
    x = layerNorm(tokens)
    x.modulate(shift: parts[3], scale: parts[4])
    tokens.add(feedForward(x), gate: parts[5])
  }
}

extension Architecture {
  /// Creates the architecture of a DiT, SiT or REPA.
  package init(
    _ configuration: DiTConfiguration, family: BackboneFamily, process: DiffusionProcess
  ) {
    self.init(
      family: family,
      variant: configuration.sizeName.map { "\(family == .dit ? "DiT" : "SiT")-\($0)" },
      width: configuration.width, depth: configuration.blockCount,
      patchSize: configuration.patchSize, heads: configuration.heads,
      channels: configuration.channels, imageSide: configuration.imageSide,
      outputChannels: family == .dit ? configuration.headChannels : configuration.channels,
      classCount: configuration.classCount, nullClass: configuration.nullClass, hasSkips: false,
      tokenCount: configuration.tokenCount, parameterCount: configuration.parameterCount,
      operations: configuration.operations, paperOperations: configuration.operations / 2,
      process: process)
  }
}
