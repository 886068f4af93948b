import CKernels

/// An affine map of rows with weights packed once:
/// `y[r, o] = bias[o] + sum_k x[r, k] * weight[o, k]`.
///
/// Equivalent to ``linear(_:_:bias:)``, but computed as a 1 x 1 convolution of an image that is one
/// column of tokens. The bits of a row do not depend on the other rows.
package struct PackedLinear: Sendable {
  private let convolution: PackedConvolution

  /// Packs the weights of a linear map for the instruction set in use.
  ///
  /// - Parameters:
  ///   - weight: `[O, K]`, as PyTorch stores it.
  ///   - bias: `[O]`, or nil for none.
  ///   - precision: The number format of the products.
  ///   - instructions: The instruction set for which the weights are packed, by default the one in
  ///     use.
  package init(
    _ weight: Tensor, bias: Tensor? = nil, precision: Precision = .float32,
    instructions: dis_instructions = dis_instructions_in_use()
  ) {
    precondition(weight.shape.count == 2, "PackedLinear: weight \(weight.shape)")
    convolution = PackedConvolution(
      weight: weight.reshaped(weight.shape + [1, 1]), bias: bias?.values.map(Double.init),
      precision: precision, instructions: instructions)
  }

  /// Multiplies every row by the weights and adds the bias.
  ///
  /// - Parameter x: Rows `[..., K']` with `K' >= K`; the first K columns are used.
  /// - Returns: `[rows of x, O]`.
  package func callAsFunction(_ x: Tensor) -> Tensor {
    let column = x.reshaped([x.rows, 1, x.columns])
    return convolution(column).reshaped([x.rows, convolution.outputs])
  }
}
