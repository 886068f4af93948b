import CKernels

/// The two definitions of the Gaussian error linear unit.
///
/// Both are smooth forms of `max(x, 0)`. They differ by at most 5e-4, so a network has to use the
/// one that it was trained with.
package enum GELU: Sendable {
  /// The approximation `½x(1 + tanh(√(2/π)(x + 0.044715x³)))`, as in DiT.
  case tanh
  /// The definition `½x(1 + erf(x/√2))`, PyTorch's default.
  case erf
}

extension Tensor {
  /// Applies GELU to every value in place, with an absolute error of at most 3e-7 · max(|x|, 1).
  ///
  /// - Parameters:
  ///   - kind: The definition.
  ///   - instructions: The instruction set of the kernel, by default the one in use.
  /// - SeeAlso: Hendrycks & Gimpel, "Gaussian Error Linear Units (GELUs)", arXiv 1606.08415,
  ///   section 2.
  package mutating func applyGELU(
    _ kind: GELU, instructions: dis_instructions = dis_instructions_in_use()
  ) {
    let count = self.count
    switch kind {
    case .tanh: dis_gelu_tanh(instructions, &values, count)
    case .erf: dis_gelu_erf(instructions, &values, count)
    }
  }
}

/// Returns GELU of every value.
///
/// - Parameters:
///   - x: Any shape, which is also that of the result.
///   - kind: The definition.
package func gelu(_ x: Tensor, _ kind: GELU) -> Tensor {
  var y = x
  y.applyGELU(kind)
  return y
}
