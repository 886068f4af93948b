import Checkpoints
import Tensors

/// A pre-norm residual block that adds first: the output of the previous block is added to the
/// residual stream here, and the output of this block's mixer is added by the next block.
struct Block: Sendable {
  let norm: Tensor  // [D]
  let mixer: MambaMixer
  let skipLinear: PackedLinear?  // 2D to D

  init(
    _ reader: inout WeightReader, prefix: String, hasSkip: Bool, configuration: DiSConfiguration,
    precision: Precision
  ) {
    let d = configuration.embeddingDimension
    mixer = MambaMixer(
      &reader, prefix: "\(prefix).mixer", configuration: configuration, precision: precision)
    norm = reader.tensor("\(prefix).norm.weight", [d])
    skipLinear =
      hasSkip
      ? reader.linear("\(prefix).skip_linear", from: 2 * d, to: d, precision: precision) : nil
  }

  /// Applies the block.
  ///
  /// - Parameters:
  ///   - hidden: `[L, D]`. On entry, the output of the previous mixer; on return, that of this one.
  ///   - residual: `[L, D]`, the running sum of everything before.
  ///   - skip: `[L, D]`, the output of the block at the same distance from the middle.
  func callAsFunction(_ hidden: inout Tensor, _ residual: inout Tensor, skip: Tensor? = nil) {
    if let skipLinear, let skip { hidden = skipLinear(concatenateColumns(hidden, skip)) }
    residual.add(hidden)
    hidden = mixer(rmsNorm(residual, weight: norm))
  }
}
