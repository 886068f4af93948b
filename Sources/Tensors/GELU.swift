import CKernels

/// The three definitions of the Gaussian error linear unit.
///
/// All are smooth forms of `max(x, 0)`. The first two differ by at most 5e-4, and the third from
/// both by up to 0.021, so a network has to use the one that it was trained with.
package enum GELU: Sendable {
  /// The approximation `½x(1 + tanh(√(2/π)(x + 0.044715x³)))`, as in DiT.
  case tanh
  /// The definition `½x(1 + erf(x/√2))`, PyTorch's default.
  case erf
  /// The approximation `x / (1 + exp(-1.702x))` of OpenAI's CLIP, where it is called QuickGELU.
  case quick
}

extension Tensor {
  /// Applies GELU to every value in place, with an absolute error of at most 3e-7 · max(|x|, 1), or
  /// 5e-7 · max(|x|, 1) for ``GELU/quick``.
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
    case .quick:
      let factor: Float = 1.702
      values.withUnsafeMutableBufferPointer { x in
        for index in x.indices { x[index] *= factor }
        dis_silu(instructions, x.baseAddress, count)
        for index in x.indices { x[index] *= 1 / factor }
      }
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
