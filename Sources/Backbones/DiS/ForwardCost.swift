import Tensors

/// Floating-point operations of one forward pass of one image, a multiply-add counted as two.
///
/// Norms, activations of the linear layers and residual additions (below 0.5 %) are left out. Numbers
/// are integers up to 2^53; absurd shapes make large ones and never overflow.
package struct ForwardCost: Equatable, Sendable {
  /// The mixers' matrix products: into and out of them, and those of both directions that make step
  /// sizes and state matrices.
  package var projections: Double
  /// The linear layers that join the long skips.
  package var skips: Double
  /// Patch and time embedding, the label's modulation, and the head.
  package var ends: Double
  /// The mixers' causal convolutions.
  package var convolutions: Double
  /// The selective scans. Per token, channel and state 7: one for `delta A`, its exponential and
  /// `delta u B` each, two for the state and two for the output. Per token and channel 11 for
  /// softplus, `delta u`, the skip, and SiLU with the gate.
  package var scans: Double

  /// All matrix products.
  package var products: Double { projections + skips + ends }
  /// Everything.
  package var total: Double { products + convolutions + scans }
  /// What the DiS paper's figures rest on: its counter, thop, sees layers that are called as modules,
  /// and the mixers hand theirs to a kernel as bare weights. 7.9 to 8.8 times less than ``total``.
  package var thop: Double { skips + ends }
}

extension DiSConfiguration {
  /// The operations of one forward pass.
  package var cost: ForwardCost { cost(patches: patchCount) }

  /// The operations of one forward pass of an image of that many patches.
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

  /// The matrix products of a network that has a transformer block, as DiT and U-ViT have it, in place
  /// of every mixer: queries, keys and values, attention, its output, and two layers of width `4 D`.
  /// They grow with the square of the tokens, ``cost(patches:)`` with their number.
  package func transformerProducts(patches: Int) -> Double {
    let (l, d) = (Double(patches + extraTokens), Double(embeddingDimension))
    let cost = cost(patches: patches)
    return Double(blockCount) * (24 * l * d * d + 4 * l * l * d) + cost.skips + cost.ends
  }

  /// Numbers in the tensors of such a model.
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
