import Checkpoints
import Diffusion
import Files
import Tensors

/// The DiS noise predictor: patch, time and label tokens pass through a stack of bidirectional
/// Mamba blocks with long skip connections.
///
/// Legend: C channels, H = W image side, p patch size, P patches, L tokens, D width, Co output
/// channels. A model is immutable after loading, so all threads can share it. It processes one
/// image at a time, so no result depends on other images.
/// - SeeAlso: Fei et al., "Scalable Diffusion Models with State Space Backbone", arXiv 2402.05608;
///   `models_dis.py` in feizc/DiS at 3da562e. Not ported: dropout, stochastic depth, training.
package struct DiSModel: Backbone {
  /// The extents from which the architecture follows.
  package let configuration: DiSConfiguration
  package let precision: Precision
  package let architecture: Architecture

  private let patches: PatchTokens
  private let patchEmbedding: PackedLinear  // C p p to D, inputs in order (C, p1, p2)
  private let positions: Tensor  // [L, D]
  private let timeIn: PackedLinear  // D to 4D
  private let timeOut: PackedLinear  // 4D to D
  private let labels: Tensor?  // [classes + 1, D], the last row for "no class"
  private let inBlocks: [Block]
  private let middleBlock: Block
  private let outBlocks: [Block]
  private let finalNorm: Tensor  // [D]
  private let modulation: PackedLinear?  // D to 2D
  private let head: PackedLinear  // D to p p Co, outputs in order (p1, p2, Co)

  /// Loads a model whose architecture is determined from the shapes in `state`.
  ///
  /// - Throws: ``Failure`` (65) `NotADiSCheckpoint` if the architecture cannot be determined,
  ///   `CheckpointMismatch` with all tensors that are missing, unexpected or of a different shape,
  ///   or the failure of reading a tensor.
  package init(_ state: StateDict, precision: Precision = .float32) throws(Failure) {
    try self.init(DiSConfiguration(state), WeightReader(state), precision: precision)
  }

  /// Loads a model of a known architecture.
  ///
  /// - Throws: ``Failure`` `CheckpointMismatch` (65) with all tensors that are missing, unexpected
  ///   or of a different shape, or the failure of reading a tensor.
  package init(
    _ configuration: DiSConfiguration, _ weights: WeightReader, precision: Precision = .float32
  ) throws(Failure) {
    self.precision = precision
    architecture = Architecture(configuration)
    patches = PatchTokens(side: configuration.imageSide, patch: configuration.patchSize)
    let (d, p, c) = (
      configuration.embeddingDimension, configuration.patchSize, configuration.channels
    )
    var reader = weights
    patchEmbedding = reader.linear(
      "patch_embed.proj", from: c * p * p, to: d, shape: [d, c, p, p])
    positions = reader.tensor("pos_embed", [1, configuration.tokenCount, d])
      .arranged([configuration.tokenCount, d])
    timeIn = reader.linear("time_embed.0", from: d, to: 4 * d)
    timeOut = reader.linear("time_embed.2", from: 4 * d, to: d)
    labels = configuration.classCount.map {
      reader.tensor("label_emb.embedding_table.weight", [$0 + 1, d])
    }
    let half = configuration.blocksPerHalf
    inBlocks = (0..<half).map {
      Block(
        &reader, prefix: "in_blocks.\($0)", hasSkip: false, configuration: configuration,
        precision: precision)
    }
    middleBlock = Block(
      &reader, prefix: "mid_block", hasSkip: false, configuration: configuration,
      precision: precision)
    outBlocks = (0..<half).map {
      Block(
        &reader, prefix: "out_blocks.\($0)", hasSkip: configuration.hasSkips,
        configuration: configuration, precision: precision)
    }
    finalNorm = reader.tensor("norm_f.weight", [d])
    modulation =
      configuration.classCount == nil
      ? nil : reader.linear("final_layer.adaLN_modulation.1", from: d, to: 2 * d)
    head = reader.linear("final_layer.linear", from: d, to: p * p * configuration.outputChannels)
    try reader.finish()
    self.configuration = configuration
  }

  package func callAsFunction(_ x: Tensor, time: Double, label: Int?) -> Tensor {
    precondition(
      x.shape == [configuration.channels, configuration.imageSide, configuration.imageSide],
      "input \(x.shape)")
    precondition(
      (label == nil) == (labels == nil), "a label is needed exactly if there are classes")
    let width = configuration.embeddingDimension

    let time = timeToken(Float(time))  // [1, D]
    var condition = time
    var tokens: [Float] = []
    tokens.reserveCapacity(positions.count)
    if let labels, let label {
      let row = labels.values[label * width..<(label + 1) * width]
      if configuration.labelIsToken { tokens += row }
      for (index, value) in row.enumerated() { condition.values[index] += value }
    }
    tokens += configuration.labelIsToken ? time.values : condition.values
    tokens += patchEmbedding(patches.cut(x)).values
    var hidden = Tensor(shape: positions.shape, values: tokens)
    hidden.add(positions)

    var residual = Tensor(zeros: hidden.shape)
    var skips: [Tensor] = []
    for block in inBlocks {
      block(&hidden, &residual)
      skips.append(hidden)
    }
    middleBlock(&hidden, &residual)
    for (block, skip) in zip(outBlocks, skips.reversed()) { block(&hidden, &residual, skip: skip) }

    residual.add(hidden)
    var y = layerNorm(rmsNorm(residual, weight: finalNorm))  // [L, D]
    if let modulation {
      y.modulate(by: modulation(silu(condition)))  // [1, 2D]: shift, then scale
    }
    return patches.assembled(
      head(y), dropping: configuration.extraTokens, channels: configuration.outputChannels)
  }

  /// Returns the sinusoidal embedding of a timestep after two layers, `[1, D]`.
  private func timeToken(_ timestep: Float) -> Tensor {
    let embedding = timestepEmbedding(timestep, dimension: configuration.embeddingDimension)
    return timeOut(silu(timeIn(embedding)))
  }
}

extension Architecture {
  /// Creates the architecture of a DiS.
  package init(_ configuration: DiSConfiguration) {
    let cost = configuration.cost
    self.init(
      family: .dis, variant: configuration.variantName, width: configuration.embeddingDimension,
      depth: 2 * configuration.blocksPerHalf, patchSize: configuration.patchSize, heads: nil,
      channels: configuration.channels, imageSide: configuration.imageSide,
      outputChannels: configuration.outputChannels, classCount: configuration.classCount,
      nullClass: configuration.nullClass, hasSkips: configuration.hasSkips,
      labelIsToken: configuration.labelIsToken, tokenCount: configuration.tokenCount,
      parameterCount: configuration.parameterCount,
      operations: cost.total, paperOperations: cost.thop, process: .timesteps)
  }
}
