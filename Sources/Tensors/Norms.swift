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

/// Normalises every row of `x` to zero mean and unit (biased) variance, without an affine part.
///
/// ```
/// y[l, d] = (x[l, d] - mean) / sqrt(variance + epsilon)
/// ```
///
/// - Parameters:
///   - x: Shape `[..., D]`.
///   - epsilon: Added to the variance. The final layer of DiS uses `1e-6`.
/// - Returns: The normalised tensor, in the shape of `x`.
/// - SeeAlso: Ba et al., "Layer Normalization", arXiv 1607.06450, Eq. (4).
package func layerNorm(_ x: Tensor, epsilon: Float = 1e-6) -> Tensor {
  Tensor(shape: x.shape) { dis_layer_norm($0, x.values, x.rows, x.columns, epsilon) }
}
