import Checkpoints
import Diffusion
import Files
import Tensors

/// The noise predictor U-ViT: tokens of the class, the time and the patches pass through transformer
/// blocks with long skip connections.
///
/// Legend: C channels, p patch size, P patches, L tokens, D width, h hidden width.
/// - SeeAlso: Bao et al., "All are Worth Words: A ViT Backbone for Diffusion Models", arXiv 2209.12152;
///   `libs/uvit.py` in baofff/U-ViT at ce55170. Not ported: training, text conditions.
package struct UViTModel: Backbone {
  package let architecture: Architecture
  package let precision: Precision

  private let patches: PatchTokens
  private let extraTokens: Int
  private let patchEmbedding: PackedLinear  // C p p to D, inputs in order (C, p1, p2)
  private let positions: Tensor  // [L, D]
  private let timeLayers: (first: PackedLinear, second: PackedLinear)?  // D to 4D, 4D to D
  private let labels: Tensor?  // [rows, D]
  private let inBlocks: [UViTBlock]
  private let middleBlock: UViTBlock
  private let outBlocks: [UViTBlock]
  private let norm: AffineNorm
  private let head: PackedLinear  // D to p p C, outputs in order (p1, p2, C)
  private let convolution: Conv2d?  // C to C, 3 x 3

  /// Loads a model.
  ///
  /// - Parameters:
  ///   - configuration: The architecture.
  ///   - process: The process that the network was trained for.
  ///   - weights: The tensors.
  ///   - precision: The number format of the products in the linear layers of the blocks.
  /// - Throws: ``Failure`` `CheckpointMismatch` (65) with all tensors that are missing, unexpected
  ///   or of a different shape, or the failure of reading a tensor.
  package init(
    _ configuration: UViTConfiguration, process: DiffusionProcess, _ weights: WeightReader,
    precision: Precision = .float32
  ) throws(Failure) {
    let (d, p, c) = (configuration.width, configuration.patchSize, configuration.channels)
    self.precision = precision
    architecture = Architecture(configuration, process: process)
    patches = PatchTokens(side: configuration.imageSide, patch: p)
    extraTokens = configuration.extraTokens
    var reader = weights
    patchEmbedding = reader.linear("patch_embed.proj", from: c * p * p, to: d, shape: [d, c, p, p])
    positions = reader.tensor("pos_embed", [1, configuration.tokenCount, d])
      .arranged([configuration.tokenCount, d])
    timeLayers =
      configuration.hasTimeLayers
      ? (
        reader.linear("time_embed.0", from: d, to: 4 * d),
        reader.linear("time_embed.2", from: 4 * d, to: d)
      ) : nil
    labels = configuration.labelRows.map { reader.tensor("label_emb.weight", [$0, d]) }
    func block(_ name: String, hasSkip: Bool = false) -> UViTBlock {
      UViTBlock(&reader, prefix: name, configuration, hasSkip: hasSkip, precision: precision)
    }
    let half = configuration.blocksPerHalf
    inBlocks = (0..<half).map { block("in_blocks.\($0)") }
    middleBlock = block("mid_block")
    outBlocks = (0..<half).map { block("out_blocks.\($0)", hasSkip: configuration.hasSkips) }
    norm = AffineNorm(&reader, "norm", width: d)
    head = reader.linear("decoder_pred", from: d, to: p * p * c)
    let last =
      configuration.hasConvolution
      ? (
        reader.tensor("final_layer.weight", [c, c, 3, 3]), reader.tensor("final_layer.bias", [c])
      ) : nil
    try reader.finish()
    convolution = last.map {
      Conv2d(weight: $0.0, bias: $0.1, padding: (height: 1, width: 1))
    }
  }

  package func callAsFunction(_ x: Tensor, time: Double, label: Int?) -> Tensor {
    precondition(x.shape == architecture.inputShape, "input \(x.shape)")
    precondition((label == nil) == (labels == nil), "a label is needed if there are classes")
    let width = architecture.width
    var embedding = timestepEmbedding(Float(time), dimension: width)  // [1, D]
    if let timeLayers { embedding = timeLayers.second(silu(timeLayers.first(embedding))) }
    var values: [Float] = []
    values.reserveCapacity(positions.count)
    if let labels, let label { values += labels.values[label * width..<(label + 1) * width] }
    values += embedding.values
    values += patchEmbedding(patches.cut(x)).values
    var tokens = Tensor(shape: positions.shape, values: values)
    tokens.add(positions)

    var skips: [Tensor] = []
    for block in inBlocks {
      block(&tokens)
      skips.append(tokens)
    }
    middleBlock(&tokens)
    for (block, skip) in zip(outBlocks, skips.reversed()) { block(&tokens, skip: skip) }

    let image = patches.assembled(
      head(norm(tokens)), dropping: extraTokens, channels: architecture.channels)
    return convolution.map { $0(image) } ?? image
  }
}

/// A layer norm with weights.
struct AffineNorm: Sendable {
  let weight: Tensor  // [D]
  let bias: Tensor  // [D]

  init(_ reader: inout WeightReader, _ name: String, width: Int) {
    weight = reader.tensor("\(name).weight", [width])
    bias = reader.tensor("\(name).bias", [width])
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    layerNorm(x, weight: weight, bias: bias, epsilon: 1e-5)
  }
}

/// A pre-norm block, which first merges a long skip if it has one.
struct UViTBlock: Sendable {
  let skipLinear: PackedLinear?  // 2D to D
  let attentionNorm: AffineNorm
  let attention: SelfAttention
  let feedForwardNorm: AffineNorm
  let feedForward: FeedForward

  init(
    _ reader: inout WeightReader, prefix: String, _ configuration: UViTConfiguration,
    hasSkip: Bool, precision: Precision
  ) {
    let d = configuration.width
    attentionNorm = AffineNorm(&reader, "\(prefix).norm1", width: d)
    attention = SelfAttention(
      &reader, prefix: "\(prefix).attn", width: d, heads: configuration.heads,
      hasBias: configuration.hasAttentionBias, precision: precision)
    feedForwardNorm = AffineNorm(&reader, "\(prefix).norm2", width: d)
    feedForward = FeedForward(
      &reader, prefix: "\(prefix).mlp", width: d, hidden: configuration.hiddenWidth,
      activation: .erf, precision: precision)
    skipLinear =
      hasSkip
      ? reader.linear("\(prefix).skip_linear", from: 2 * d, to: d, precision: precision) : nil
  }

  /// Applies the block.
  ///
  /// - Parameters:
  ///   - tokens: `[L, D]`.
  ///   - skip: `[L, D]`, the output of the block at the same distance from the middle.
  func callAsFunction(_ tokens: inout Tensor, skip: Tensor? = nil) {
    if let skipLinear, let skip { tokens = skipLinear(concatenateColumns(tokens, skip)) }
    tokens.add(attention(attentionNorm(tokens)))
    tokens.add(feedForward(feedForwardNorm(tokens)))
  }
}

extension Architecture {
  /// Creates the architecture of a U-ViT.
  package init(_ configuration: UViTConfiguration, process: DiffusionProcess) {
    self.init(
      family: .uvit, variant: configuration.sizeName.map { "U-ViT-\($0)" },
      width: configuration.width, depth: 2 * configuration.blocksPerHalf,
      patchSize: configuration.patchSize, heads: configuration.heads,
      channels: configuration.channels, imageSide: configuration.imageSide,
      outputChannels: configuration.channels, classCount: configuration.classCount,
      nullClass: configuration.hasNullClass ? configuration.classCount : nil,
      hasSkips: configuration.hasSkips, tokenCount: configuration.tokenCount,
      parameterCount: configuration.parameterCount, operations: configuration.operations,
      paperOperations: configuration.operations / 2, process: process)
  }
}
