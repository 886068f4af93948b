import Checkpoints
import Diffusion
import Files

/// The architecture of DiT and SiT, determined from the shapes of the tensors, except for the number of
/// heads, which they do not show.
package struct DiTConfiguration: Equatable, Sendable {
  /// The width of a token, D.
  package var width: Int
  /// The number of blocks, n.
  package var blockCount: Int
  /// The number of attention heads, H.
  package var heads: Int
  /// The side of a square patch in pixels, p.
  package var patchSize: Int
  /// The number of channels of an image or latent, C.
  package var channels: Int
  /// The side of the square image or latent in pixels.
  package var imageSide: Int
  /// The number of classes without the null class.
  package var classCount: Int
  /// The width of the hidden layer of a block's second half, h.
  package var hiddenWidth: Int
  /// The number of channels of the last layer: C, or 2C with the variance.
  package var headChannels: Int
  /// Whether queries and keys are normalised.
  package var normalizesHeads = false
  /// The number of blocks whose names begin with `blocks`; those of the others begin with
  /// `decoder_blocks`, as in early checkpoints of REPA.
  package var encoderBlockCount: Int

  /// The number of tokens, L.
  package var tokenCount: Int { (imageSide / patchSize) * (imageSide / patchSize) }
  /// The row of the label embedding that represents "no class".
  package var nullClass: Int { classCount }

  /// The beginnings of the blocks' names, in order.
  var blockNames: [String] {
    (0..<encoderBlockCount).map { "blocks.\($0)" }
      + (0..<blockCount - encoderBlockCount).map { "decoder_blocks.\($0)" }
  }

  /// The sizes of the paper: width, blocks and heads.
  private static let sizes: [(name: String, width: Int, blocks: Int, heads: Int)] = [
    ("S", 384, 12, 6), ("B", 768, 12, 12), ("L", 1024, 24, 16), ("XL", 1152, 28, 16),
  ]

  /// Returns the configuration of a size of the paper.
  ///
  /// - Parameters:
  ///   - size: The name of the size and the side of a patch, such as `XL/2`.
  ///   - side: The side of the image or latent in pixels.
  ///   - channels: The number of channels of an image or latent.
  ///   - classes: The number of classes.
  ///   - learnsSigma: Whether the last layer has channels for the variance.
  /// - Returns: The configuration; nil if the paper has no such size.
  package static func size(
    _ size: String, side: Int, channels: Int, classes: Int, learnsSigma: Bool
  ) -> DiTConfiguration? {
    for (name, width, blocks, heads) in sizes {
      for patch in [2, 4, 8] where size == "\(name)/\(patch)" {
        return DiTConfiguration(
          width: width, blockCount: blocks, heads: heads, patchSize: patch, channels: channels,
          imageSide: side, classCount: classes, hiddenWidth: 4 * width,
          headChannels: learnsSigma ? 2 * channels : channels, encoderBlockCount: blocks)
      }
    }
    return nil
  }

  /// The name of the size in the paper, such as `XL/2`; nil if it has none.
  package var sizeName: String? {
    let size = Self.sizes.first { ($0.width, $0.blocks, $0.heads) == (width, blockCount, heads) }
    guard let size, [2, 4, 8].contains(patchSize), hiddenWidth == 4 * width else { return nil }
    return "\(size.name)/\(patchSize)"
  }
}

extension DiTConfiguration {
  /// Determines the configuration from the shapes in `state`.
  ///
  /// - Parameter heads: The number of heads for a width; nil if nothing decides.
  /// - Throws: ``Failure`` `CheckpointMismatch` (65) if the tensors that determine it are missing or
  ///   contradict each other; the failure of `heads`.
  init(
    _ state: StateDict, heads: (_ width: Int) throws(Failure) -> Int
  ) throws(Failure) {
    let shapes = ShapeReader(state, family: "DiT")
    let patch = try shapes("x_embedder.proj.weight", rank: 4)
    (width, channels, patchSize) = (patch[0], patch[1], patch[2])
    guard patch[2] == patch[3] else {
      throw shapes.refusal("'x_embedder.proj.weight' has patches of \(patch[2])x\(patch[3])")
    }
    let positions = try shapes("pos_embed", rank: 3)
    imageSide = try shapes.side(patches: positions[1], of: positions[1]) * patchSize
    classCount = try shapes("y_embedder.embedding_table.weight", rank: 2)[0] - 1
    hiddenWidth = try shapes("blocks.0.mlp.fc1.weight", rank: 2)[0]
    let rows = try shapes("final_layer.linear.weight", rank: 2)[0]
    let outputs = patchSize * patchSize * channels
    guard rows == outputs || rows == 2 * outputs else {
      throw shapes.refusal(
        "'final_layer.linear.weight' has \(rows) rows, expected \(outputs) or \(2 * outputs)")
    }
    headChannels = rows / (patchSize * patchSize)
    encoderBlockCount = shapes.count { "blocks.\($0).attn.qkv.weight" }
    blockCount = encoderBlockCount + shapes.count { "decoder_blocks.\($0).attn.qkv.weight" }
    normalizesHeads = state.info("blocks.0.attn.q_norm.weight") != nil
    self.heads = try heads(width)
    guard self.heads >= 1, width.isMultiple(of: self.heads) else {
      throw shapes.refusal("\(self.heads) heads do not divide the width \(width)")
    }
  }

  /// The number of parameters that a forward pass uses. Absurd shapes give a large number and never
  /// overflow.
  package var parameterCount: Int {
    let (d, h, n) = (Double(width), Double(hiddenWidth), Double(blockCount))
    let (area, tokens) = (Double(patchSize * patchSize), Double(tokenCount))
    let norms = normalizesHeads ? 4 * d / Double(heads) : 0
    let block = 3 * d * (d + 1) + d * (d + 1) + h * (d + 1) + d * (h + 1) + 6 * d * (d + 1) + norms
    let embeddings =
      tokens * d + d * (area * Double(channels) + 1) + d * 257 + d * (d + 1)
      + Double(classCount + 1) * d
    let ends = area * Double(headChannels) * (d + 1) + 2 * d * (d + 1)
    return Int(min(embeddings + n * block + ends, 0x1p53))
  }

  /// The operations of one forward pass as torch's counter has them: those of the matrix products,
  /// with a multiply-add counted as two.
  package var operations: Double { operations(tokens: tokenCount) }

  /// Returns the operations of one forward pass of an image of any size.
  ///
  /// - Parameter tokens: The number of tokens, L.
  package func operations(tokens: Int) -> Double {
    let (l, d, n) = (Double(tokens), Double(width), Double(blockCount))
    let (h, area) = (Double(hiddenWidth), Double(patchSize * patchSize))
    let block = 8 * l * d * d + 4 * l * h * d + 4 * l * l * d + 12 * d * d
    return 2 * l * area * Double(channels) * d + 2 * (256 * d + d * d) + n * block + 4 * d * d
      + 2 * l * d * area * Double(headChannels)
  }
}
