import Checkpoints
import Files

/// The architecture of U-ViT, determined from the shapes of the tensors, except for the number of heads
/// and the null class, which they do not always show.
package struct UViTConfiguration: Equatable, Sendable {
  /// The width of a token, D.
  package var width: Int
  /// The number of blocks before the middle block, and also after it. The original's `depth` is twice
  /// this number.
  package var blocksPerHalf: Int
  /// The number of attention heads, H.
  package var heads: Int
  /// The side of a square patch in pixels, p.
  package var patchSize: Int
  /// The number of channels of an image or latent, C.
  package var channels: Int
  /// The side of the square image or latent in pixels.
  package var imageSide: Int
  /// The number of rows of the label embedding; nil for an unconditional network.
  package var labelRows: Int?
  /// Whether the last row of the label embedding represents "no class".
  package var hasNullClass: Bool
  /// The width of the hidden layer of a block's second half, h.
  package var hiddenWidth: Int
  /// Whether the second half of the blocks receives the outputs of the first half.
  package var hasSkips = true
  /// Whether the embedding of the time passes through two layers.
  package var hasTimeLayers = false
  /// Whether the projection to queries, keys and values has a bias.
  package var hasAttentionBias = false
  /// Whether a convolution is the last layer.
  package var hasConvolution = true

  /// The number of classes without the null class; nil for an unconditional network.
  package var classCount: Int? { labelRows.map { hasNullClass ? $0 - 1 : $0 } }
  /// The number of patches, P.
  package var patchCount: Int { (imageSide / patchSize) * (imageSide / patchSize) }
  /// The number of tokens before the patches: the label, if any, and the time.
  package var extraTokens: Int { labelRows == nil ? 1 : 2 }
  /// The number of tokens, L.
  package var tokenCount: Int { extraTokens + patchCount }
  /// The total number of blocks.
  package var blockCount: Int { 2 * blocksPerHalf + 1 }

  /// The sizes of the paper: width, depth and heads.
  private static let sizes: [(name: String, width: Int, depth: Int, heads: Int)] = [
    ("S", 512, 12, 8), ("M", 768, 16, 12), ("L", 1024, 20, 16), ("H", 1152, 28, 16),
  ]

  /// Returns the configuration of a size of the paper, as published.
  ///
  /// - Parameters:
  ///   - size: The name of the size and the side of a patch, such as `S/2`.
  ///   - side: The side of the image or latent in pixels.
  ///   - channels: The number of channels of an image or latent.
  ///   - labelRows: The number of rows of the label embedding; nil for an unconditional network.
  /// - Returns: The configuration; nil if the paper has no such size.
  package static func size(
    _ size: String, side: Int, channels: Int, labelRows: Int?
  ) -> UViTConfiguration? {
    for (name, width, depth, heads) in sizes {
      for patch in [2, 4] where size == "\(name)/\(patch)" {
        return UViTConfiguration(
          width: width, blocksPerHalf: depth / 2, heads: heads, patchSize: patch,
          channels: channels, imageSide: side, labelRows: labelRows,
          hasNullClass: labelRows == 1001,
          hiddenWidth: 4 * width, hasConvolution: name != "H")
      }
    }
    return nil
  }

  /// The name of the size in the paper, such as `S/2`; nil if it has none.
  package var sizeName: String? {
    let size = Self.sizes.first {
      ($0.width, $0.depth, $0.heads) == (width, 2 * blocksPerHalf, heads)
    }
    guard let size, [2, 4].contains(patchSize), hiddenWidth == 4 * width, hasSkips, !hasTimeLayers
    else { return nil }
    return "\(size.name)/\(patchSize)"
  }
}

extension UViTConfiguration {
  /// Determines the configuration from the shapes in `state`.
  ///
  /// - Parameters:
  ///   - heads: Returns the number of heads for a width.
  ///   - hasNullClass: Returns whether the last of a number of rows of the label embedding stands for
  ///     no class.
  /// - Throws: ``Failure`` `CheckpointMismatch` (65) if the tensors that determine it are missing or
  ///   contradict each other; the failures of `heads` and `hasNullClass`.
  init(
    _ state: StateDict, heads: (_ width: Int) throws(Failure) -> Int,
    hasNullClass: (_ rows: Int) throws(Failure) -> Bool
  ) throws(Failure) {
    let shapes = ShapeReader(state, family: "U-ViT")
    let patch = try shapes("patch_embed.proj.weight", rank: 4)
    (width, channels, patchSize) = (patch[0], patch[1], patch[2])
    guard patch[2] == patch[3] else {
      throw shapes.refusal("'patch_embed.proj.weight' has patches of \(patch[2])x\(patch[3])")
    }
    labelRows =
      state.info("label_emb.weight") == nil ? nil : try shapes("label_emb.weight", rank: 2)[0]
    let tokens = try shapes("pos_embed", rank: 3)[1]
    imageSide =
      try shapes.side(patches: tokens - (labelRows == nil ? 1 : 2), of: tokens) * patchSize
    hiddenWidth = try shapes("mid_block.mlp.fc1.weight", rank: 2)[0]
    blocksPerHalf = shapes.count { "in_blocks.\($0).attn.qkv.weight" }
    hasSkips = state.info("out_blocks.0.skip_linear.weight") != nil
    hasTimeLayers = state.info("time_embed.0.weight") != nil
    hasAttentionBias = state.info("mid_block.attn.qkv.bias") != nil
    hasConvolution = state.info("final_layer.weight") != nil
    self.heads = try heads(width)
    guard self.heads >= 1, width.isMultiple(of: self.heads) else {
      throw shapes.refusal("\(self.heads) heads do not divide the width \(width)")
    }
    self.hasNullClass = try labelRows.map(hasNullClass) ?? false
  }

  /// The number of parameters. Absurd shapes give a large number and never overflow.
  package var parameterCount: Int {
    let (d, h, c) = (Double(width), Double(hiddenWidth), Double(channels))
    let (area, half) = (Double(patchSize * patchSize), Double(blocksPerHalf))
    let bias = hasAttentionBias ? 3 * d : 0
    let block = 4 * d + 3 * d * d + bias + d * (d + 1) + h * (d + 1) + d * (h + 1)
    let skips = hasSkips ? half * (2 * d * d + d) : 0
    let ends = Double(tokenCount) * d + d * (area * c + 1) + 2 * d + area * c * (d + 1)
    let time = hasTimeLayers ? 4 * d * (d + 1) + d * (4 * d + 1) : 0
    let labels = Double(labelRows ?? 0) * d
    let convolution = hasConvolution ? c * (9 * c + 1) : 0
    let total = (2 * half + 1) * block + skips + ends + time + labels + convolution
    return Int(min(total, 0x1p53))
  }

  /// The operations of one forward pass as torch's counter has them: those of the matrix products and
  /// the convolution, with a multiply-add counted as two.
  package var operations: Double { operations(patches: patchCount) }

  /// Returns the operations of one forward pass of an image of any size.
  ///
  /// - Parameter patches: The number of patches of the image, P, without the extra tokens.
  package func operations(patches: Int) -> Double {
    let (p, l, d) = (Double(patches), Double(patches + extraTokens), Double(width))
    let (h, c, area) = (Double(hiddenWidth), Double(channels), Double(patchSize * patchSize))
    let blocks = Double(blockCount) * (8 * l * d * d + 4 * l * h * d + 4 * l * l * d)
    let skips = hasSkips ? Double(blocksPerHalf) * 4 * l * d * d : 0
    let ends = 2 * p * area * c * d + 2 * l * d * area * c + (hasTimeLayers ? 16 * d * d : 0)
    return blocks + skips + ends + (hasConvolution ? 18 * c * c * p * area : 0)
  }
}
