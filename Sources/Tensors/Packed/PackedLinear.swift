import CKernels

/// An affine map of rows with weights packed once: `y[r, o] = bias[o] + sum_k x[r, k] * weight[o, k]`.
///
/// The same as ``linear(_:_:bias:)``: a 1 x 1 convolution of an image that is one column of tokens.
/// The bits of a row do not depend on the other rows.
package struct PackedLinear: Sendable {
  private let convolution: PackedConvolution

  /// - Parameters:
  ///   - weight: `[O, K]`, as PyTorch stores it.
  ///   - bias: `[O]`, or nil for none.
  package init(
    _ weight: Tensor, bias: Tensor? = nil, precision: Precision = .float32,
    instructions: dis_instructions = dis_instructions_in_use()
  ) {
    precondition(weight.shape.count == 2, "PackedLinear: weight \(weight.shape)")
    convolution = PackedConvolution(
      weight: weight.reshaped(weight.shape + [1, 1]), bias: bias?.values.map(Double.init),
      precision: precision, instructions: instructions)
  }

  /// - Parameter x: Rows `[..., K']` with `K' >= K`; the first `K` columns are used.
  /// - Returns: `[rows of x, O]`.
  package func callAsFunction(_ x: Tensor) -> Tensor {
    let (rows, width, outputs) = (x.rows, x.columns, convolution.outputs)
    precondition(
      width >= convolution.inputs,
      "PackedLinear: \(width) columns, the weight needs \(convolution.inputs)")
    // Whole groups of outputs are written; what fills the last one is cut off afterwards.
    let stride = roundedUpToChannels(outputs)
    let y = Tensor(shape: [rows, stride]) { y in
      withUnsafeTemporaryAllocation(
        byteCount: convolution.scratch(height: rows, width: 1) * MemoryLayout<Float>.stride,
        alignment: 64
      ) { scratch in
        x.values.withUnsafeBufferPointer { x in
          guard let x = x.baseAddress, let scratch = scratch.baseAddress else { return }
          convolution.convolve(
            (y, stride), (x, width), height: rows, width: 1,
            scratch: scratch.assumingMemoryBound(to: Float.self))
        }
      }
    }
    guard outputs < stride else { return y }
    return Tensor(shape: [rows, outputs]) { cut in
      y.values.withUnsafeBufferPointer { y in
        guard let y = y.baseAddress else { return }
        for row in 0..<rows { (cut + row * outputs).update(from: y + row * stride, count: outputs) }
      }
    }
  }
}
