import Checkpoints
import Files
import Tensors

/// The architecture of a DiS network, determined from the shapes of its tensors alone, so a
/// checkpoint needs no configuration file.
package struct DiSConfiguration: Equatable, Sendable {
  /// The width of a token, `D`.
  package var embeddingDimension: Int
  /// The number of blocks before the middle block, and also after it. The original's `depth` is
  /// twice this number.
  package var blocksPerHalf: Int
  /// The side of a square patch in pixels.
  package var patchSize: Int
  /// The number of channels of an image or latent, `C`.
  package var channels: Int
  /// The side of the square image or latent in pixels.
  package var imageSide: Int
  /// The number of classes without the null class, or nil for an unconditional model.
  package var classCount: Int?
  /// Whether the label is a token of its own, as in the original. If not, it is added to the time,
  /// both in the token and in the modulation of the final layer. True without classes.
  package var labelIsToken: Bool
  /// Whether the output has `C` variance channels after the `C` noise channels.
  package var learnsSigma: Bool
  /// Whether the second half of the blocks receives the outputs of the first half.
  package var hasSkips: Bool

  /// The width of the mixer, `Di`.
  package var innerDimension: Int { 2 * embeddingDimension }
  /// The rank of the step-size projection, `R`.
  package var stepRank: Int { (embeddingDimension + 15) / 16 }
  /// The number of patches per image, `P`.
  package var patchCount: Int { (imageSide / patchSize) * (imageSide / patchSize) }
  /// The number of tokens before the patches: the label, if it is one, and the time.
  package var extraTokens: Int { classCount == nil || !labelIsToken ? 1 : 2 }
  /// The number of tokens, `L`.
  package var tokenCount: Int { extraTokens + patchCount }
  /// The number of output channels, `Co`.
  package var outputChannels: Int { learnsSigma ? 2 * channels : channels }
  /// The total number of blocks.
  package var blockCount: Int { 2 * blocksPerHalf + 1 }
  /// The row of the label embedding that represents "no class", or nil for an unconditional model.
  package var nullClass: Int? { classCount }

  /// DiS-S/2 for 32 x 32 RGB images without classes.
  package static let small = DiSConfiguration(
    embeddingDimension: 368, blocksPerHalf: 12, patchSize: 2, channels: 3, imageSide: 32,
    classCount: nil, learnsSigma: true, hasSkips: true)

  /// Returns the configuration of a variant of the paper, with learned variance.
  ///
  /// - Parameters:
  ///   - name: The name, such as `DiS-S/2`.
  ///   - side: The side of the image or latent in pixels.
  ///   - channels: The number of channels of an image or latent.
  ///   - classes: The number of classes; nil for an unconditional model.
  /// - Returns: The configuration; nil if the paper has no such variant.
  package static func variant(
    _ name: String, side: Int, channels: Int, classes: Int?
  ) -> DiSConfiguration? {
    for (width, depth) in [(368, 24), (768, 24), (768, 48), (1024, 48), (1536, 48)] {
      for patch in [2, 4] {
        let configuration = DiSConfiguration(
          embeddingDimension: width, blocksPerHalf: depth / 2, patchSize: patch,
          channels: channels, imageSide: side, classCount: classes, learnsSigma: true,
          hasSkips: true)
        if configuration.variantName == name { return configuration }
      }
    }
    return nil
  }

  private init(
    embeddingDimension: Int, blocksPerHalf: Int, patchSize: Int, channels: Int, imageSide: Int,
    classCount: Int?, learnsSigma: Bool, hasSkips: Bool
  ) {
    self.embeddingDimension = embeddingDimension
    self.blocksPerHalf = blocksPerHalf
    self.patchSize = patchSize
    self.channels = channels
    self.imageSide = imageSide
    self.classCount = classCount
    labelIsToken = true
    self.learnsSigma = learnsSigma
    self.hasSkips = hasSkips
  }

  /// Determines the configuration from the shapes in `state`.
  ///
  /// - Throws: ``Failure`` `NotADiSCheckpoint` (65) if the tensors that determine it are missing or
  ///   contradict each other.
  package init(_ state: StateDict) throws(Failure) {
    func refusal(_ reason: String) -> Failure {
      Failure(
        .dataRefused, .notADiSCheckpoint, state.path,
        "\(reason); a DiS state dict has pos_embed, patch_embed.*, in_blocks.*, mid_block.*, "
          + "out_blocks.*, norm_f.weight and final_layer.*; this one begins with "
          + state.names.prefix(5).joined(separator: ", "))
    }
    func shape(_ name: String, rank: Int) throws(Failure) -> [Int] {
      guard let info = try state.checkedInfo(name) else {
        throw refusal("there is no tensor '\(name)'")
      }
      guard info.shape.count == rank, info.shape.allSatisfy({ $0 > 0 }) else {
        throw refusal("'\(name)' has shape \(info.shape), expected \(rank) positive extents")
      }
      return info.shape
    }
    let patch = try shape("patch_embed.proj.weight", rank: 4)
    let positions = try shape("pos_embed", rank: 3)
    let head = try shape("final_layer.linear.weight", rank: 2)
    guard patch[2] == patch[3] else {
      throw refusal("'patch_embed.proj.weight' has patches of \(patch[2])x\(patch[3])")
    }
    embeddingDimension = patch[0]
    channels = patch[1]
    patchSize = patch[2]
    classCount =
      state.info("label_emb.embedding_table.weight") == nil
      ? nil : try shape("label_emb.embedding_table.weight", rank: 2)[0] - 1
    // A number and the next are never both the squares of positive numbers.
    func side(extraTokens: Int) -> Int? {
      let patches = positions[1] - extraTokens
      let side = Int(Double(max(patches, 0)).squareRoot().rounded())
      return patches > 0 && side * side == patches ? side : nil
    }
    let withLabel = classCount == nil ? nil : side(extraTokens: 2)
    guard let side = withLabel ?? side(extraTokens: 1) else {
      throw refusal("'pos_embed' has \(positions[1]) tokens, which do not make a square of patches")
    }
    labelIsToken = classCount == nil || withLabel != nil
    imageSide = side * patchSize
    let outputs = patchSize * patchSize * channels
    guard head[0] == outputs || head[0] == 2 * outputs else {
      throw refusal(
        "'final_layer.linear.weight' has \(head[0]) rows, expected \(outputs) or \(2 * outputs)")
    }
    learnsSigma = head[0] == 2 * outputs
    blocksPerHalf = 0
    while state.info("in_blocks.\(blocksPerHalf).norm.weight") != nil { blocksPerHalf += 1 }
    hasSkips = state.info("out_blocks.0.skip_linear.weight") != nil
  }
}

extension DiSConfiguration {
  /// The paper's name for this width, depth and patch size, such as `DiS-S/2`, or nil if it has
  /// none.
  package var variantName: String? {
    let size: String? =
      switch (embeddingDimension, 2 * blocksPerHalf) {
      case (368, 24): "S"
      case (768, 24): "B"
      case (768, 48): "M"
      case (1024, 48): "L"
      case (1536, 48): "H"
      default: nil
      }
    return size.flatMap { [2, 4].contains(patchSize) ? "DiS-\($0)/\(patchSize)" : nil }
  }
}
