import CKernels

/// Normalises every row of `x` by its root mean square.
///
/// ```
/// y[l, d] = x[l, d] / sqrt(mean_d(x[l, d]^2) + epsilon) * weight[d]
/// ```
/// The mean is accumulated in `Double`; everything else is `Float`.
///
/// - Parameters:
///   - x: Shape `[..., D]`.
///   - weight: The gain of each channel, shape `[D]`.
///   - epsilon: Added to the mean square. The DiS checkpoints use `1e-5`.
/// - Returns: The normalised tensor, in the shape of `x`.
/// - SeeAlso: Zhang & Sennrich, "Root Mean Square Layer Normalization", arXiv 1910.07467, Eq. (4).
package func rmsNorm(_ x: Tensor, weight: Tensor, epsilon: Float = 1e-5) -> Tensor {
  precondition(weight.shape == [x.columns], "rmsNorm: weight \(weight.shape), input \(x.shape)")
  return Tensor(shape: x.shape) {
    dis_rms_norm($0, x.values, weight.values, x.rows, x.columns, epsilon)
  }
}

/// Normalises every row of `x` to zero mean and unit (biased) variance.
///
/// ```
/// y[l, d] = (x[l, d] - mean) / sqrt(variance + epsilon) * weight[d] + bias[d]
/// ```
/// The mean and the variance are accumulated in `Double`.
///
/// - Parameters:
///   - x: Shape `[..., D]`.
///   - weight: The gain of each channel, shape `[D]`, or nil for 1.
///   - bias: The shift of each channel, shape `[D]`, or nil for 0.
///   - epsilon: Added to the variance. DiS and DiT use `1e-6`, and PyTorch's default is `1e-5`.
///   - instructions: The instruction set of the kernel, by default the one in use.
/// - Returns: The normalised tensor, in the shape of `x`.
/// - SeeAlso: Ba et al., "Layer Normalization", arXiv 1607.06450, Eq. (4).
package func layerNorm(
  _ x: Tensor, weight: Tensor? = nil, bias: Tensor? = nil, epsilon: Float = 1e-6,
  instructions: dis_instructions = dis_instructions_in_use()
) -> Tensor {
  for parameter in [weight, bias].compactMap({ $0 }) {
    precondition(
      parameter.count == x.columns, "layerNorm: parameter \(parameter.shape), input \(x.shape)")
  }
  return Tensor(shape: x.shape) { out in
    weight.withValues { weight in
      bias.withValues { bias in
        dis_layer_norm(
          instructions, out, x.values, weight, bias, x.rows, x.columns, Double(epsilon))
      }
    }
  }
}

extension Tensor? {
  /// Calls `body` with a pointer to the values, or with nil if there is no tensor.
  fileprivate func withValues<Result>(_ body: (UnsafePointer<Float>?) -> Result) -> Result {
    guard let self else { return body(nil) }
    return self.values.withUnsafeBufferPointer { body($0.baseAddress) }
  }
}
