import CKernels

extension Tensor {
  /// Normalises every group of channels of an image `[C, H, W]` in place, then applies SiLU if
  /// asked for.
  ///
  /// ```
  /// x[c, i, j] = (x[c, i, j] - mean) / sqrt(variance + epsilon) * weight[c] + bias[c]
  /// ```
  /// Mean and biased variance are those of the `C / groups` channels of the group over all pixels,
  /// accumulated in `Double`.
  ///
  /// - Parameters:
  ///   - weight: Gain per channel, shape `[C]`.
  ///   - bias: Shift per channel, shape `[C]`.
  ///   - groups: A divisor of `C`.
  ///   - epsilon: Added to the variance.
  /// - SeeAlso: Wu & He, "Group Normalization", arXiv 1803.08494, Eq. (1) to (6).
  package mutating func normalizeGroups(
    weight: Tensor, bias: Tensor, groups: Int, epsilon: Double, silu: Bool,
    instructions: dis_instructions = dis_instructions_in_use()
  ) {
    let channels = weight.count
    precondition(
      shape.first == channels && bias.count == channels && channels.isMultiple(of: groups),
      "normalizeGroups: \(shape), weight \(weight.shape), bias \(bias.shape), \(groups) groups")
    let pixels = count / channels
    values.withUnsafeMutableBufferPointer {
      dis_group_norm(
        instructions, $0.baseAddress, weight.values, bias.values, channels, pixels, groups, epsilon,
        silu)
    }
  }
}
