import CKernels

extension Tensor {
  /// Returns an image `[H, W, C]` with each group of channels normalised, optionally followed by
  /// SiLU.
  ///
  /// ```
  /// y[i, j, c] = (x[i, j, c] - mean) / sqrt(variance + epsilon) * weight[c] + bias[c]
  /// ```
  /// The mean and the biased variance are taken over the `C / groups` channels of a group and all
  /// pixels, and accumulated in `Double`.
  ///
  /// - Parameters:
  ///   - weight: The gain of each channel, shape `[C]`.
  ///   - bias: The shift of each channel, shape `[C]`.
  ///   - groups: The number of groups, a divisor of C.
  ///   - epsilon: Added to the variance.
  ///   - silu: Whether SiLU is applied to the result.
  ///   - instructions: The instruction set of the kernel, by default the one in use.
  /// - Returns: Shape `[H, W, C]`.
  /// - SeeAlso: Wu & He, "Group Normalization", arXiv 1803.08494, Eq. (1) to (6).
  package func normalizedGroups(
    weight: Tensor, bias: Tensor, groups: Int, epsilon: Double, silu: Bool,
    instructions: dis_instructions = dis_instructions_in_use()
  ) -> Tensor {
    checkGroups(weight, bias, groups)
    return Tensor(shape: shape) {
      dis_group_norm(
        instructions, $0, values, weight.values, bias.values, rows, columns, groups, epsilon, silu)
    }
  }

  /// Applies ``normalizedGroups(weight:bias:groups:epsilon:silu:instructions:)`` in place.
  ///
  /// - Parameters:
  ///   - weight: The gain of each channel, shape `[C]`.
  ///   - bias: The shift of each channel, shape `[C]`.
  ///   - groups: The number of groups, a divisor of C.
  ///   - epsilon: Added to the variance.
  ///   - silu: Whether SiLU is applied to the result.
  ///   - instructions: The instruction set of the kernel, by default the one in use.
  package mutating func normalizeGroups(
    weight: Tensor, bias: Tensor, groups: Int, epsilon: Double, silu: Bool,
    instructions: dis_instructions = dis_instructions_in_use()
  ) {
    checkGroups(weight, bias, groups)
    let (pixels, channels) = (rows, columns)
    values.withUnsafeMutableBufferPointer {
      dis_group_norm(
        instructions, $0.baseAddress, $0.baseAddress, weight.values, bias.values, pixels, channels,
        groups, epsilon, silu)
    }
  }

  private func checkGroups(_ weight: Tensor, _ bias: Tensor, _ groups: Int) {
    precondition(
      weight.count == columns && bias.count == columns && columns.isMultiple(of: groups),
      "normalizeGroups: \(shape), weight \(weight.shape), bias \(bias.shape), \(groups) groups")
  }
}
