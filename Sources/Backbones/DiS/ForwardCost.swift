import Tensors

/// The number of floating-point operations of a forward pass of one image, where a multiply-add
/// counts as two.
///
/// Norms, activations of the linear layers and residual additions (less than 0.5 %) are not
/// counted. The numbers are exact integers up to 2^53; absurd shapes give large numbers and never
/// overflow.
package struct ForwardCost: Equatable, Sendable {
  /// The matrix products of the mixers: the input and output projections, and those of both
  /// directions that produce step sizes and state matrices.
  package var projections: Double
  /// The linear layers that merge the long skip connections.
  package var skips: Double
  /// The embeddings of patches and time, the modulation by the label, and the head.
  package var ends: Double
  /// The causal convolutions of the mixers.
  package var convolutions: Double
  /// The selective scans. There are 7 operations per token, channel and state: one each for
  /// `delta A`, its exponential and `delta u B`, two for the state and two for the output. There
  /// are 11 per token and channel, for softplus, `delta u`, the skip, and SiLU with the gate.
  package var scans: Double

  /// All matrix products.
  package var products: Double { projections + skips + ends }
  /// All operations.
  package var total: Double { products + convolutions + scans }
  /// The number on which the figures in the DiS paper are based. Its counter, thop, counts layers
  /// that are called as modules, but the mixers pass the bare weights of theirs to a kernel. It is
  /// 7.9 to 8.8 times less than ``total``.
  package var thop: Double { skips + ends }
}

extension DiSConfiguration {
  /// The operations of one forward pass.
  package var cost: ForwardCost { cost(patches: patchCount) }

  /// Returns the operations of one forward pass of an image of any size.
  ///
  /// - Parameter patches: The number of patches of the image, P, without the extra tokens.
  package func cost(patches: Int) -> ForwardCost {
    let (l, d, di) = (
      Double(patches + extraTokens), Double(embeddingDimension), Double(innerDimension)
    )
    let (r, n, blocks) = (Double(stepRank), Double(statesPerChannel), Double(blockCount))
    let area = Double(patchSize * patchSize)
    let ends =
      2 * Double(patches) * Double(channels) * area * d + 16 * d * d
      + 2 * l * d * area * Double(outputChannels)
    return ForwardCost(
      projections: blocks * 2 * l * (4 * d * d + 2 * di * (r + 2 * n) + 2 * r * di + di * d),
      skips: hasSkips ? Double(blocksPerHalf) * 4 * l * d * d : 0,
      ends: classCount == nil ? ends : ends + 4 * d * d,
      convolutions: blocks * 4 * l * di * Double(convolutionTaps),
      scans: blocks * 2 * l * di * (7 * n + 11))
  }

  /// Returns the operations in the matrix products of a network that has a transformer block, as in
  /// DiT and U-ViT, in place of every mixer: queries, keys and values, attention, its output, and
  /// two layers of width `4 D`. They grow with the square of the number of tokens, whereas
  /// ``cost(patches:)`` grows linearly.
  ///
  /// - Parameter patches: The number of patches of the image, P, without the extra tokens.
  package func transformerProducts(patches: Int) -> Double {
    let (l, d) = (Double(patches + extraTokens), Double(embeddingDimension))
    let cost = cost(patches: patches)
    return Double(blockCount) * (24 * l * d * d + 4 * l * l * d) + cost.skips + cost.ends
  }

  /// The number of parameters of such a model.
  package var parameterCount: Int {
    let (d, di, r, n, p) = (
      embeddingDimension, innerDimension, stepRank, statesPerChannel, patchSize
    )
    let direction = di * (convolutionTaps + 1 + r + 2 * n + r + 1 + n + 1)
    let block = 2 * d * di + 2 * direction + di * d + d
    let skips = hasSkips ? blocksPerHalf * (2 * d * d + d) : 0
    let embeddings = (channels * p * p + 8 * d + tokenCount + 6) * d
    let labels = classCount.map { ($0 + 2 * d + 3) * d } ?? 0
    let head = d + (d + 1) * p * p * outputChannels
    return blockCount * block + skips + embeddings + labels + head
  }
}
