import CKernels
import CLAPACK

/// Computes single-head attention over the pixels of an image.
///
/// ```
/// y[p] = Σ_r softmax_r(q[p] · k[r] / √C) v[r]
/// ```
/// The weights are computed for one block of pixels `p` at a time, `[block, H·W]`, so memory grows
/// with the number of pixels and not with its square. Products are computed in `Float`, the sums of
/// the softmax in `Double`.
///
/// - Parameters:
///   - query: q, shape `[H, W, C]`.
///   - key: k, shape `[H, W, C]`.
///   - value: v, shape `[H, W, C]`.
/// - Returns: y, shape `[H, W, C]`.
/// - SeeAlso: Vaswani et al., arXiv 1706.03762, Eq. (1).
package func attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor {
  precondition(
    query.shape == key.shape && key.shape == value.shape,
    "attention: \(query.shape), \(key.shape), \(value.shape)")
  let (pixels, channels) = (query.rows, query.columns)
  let blockPixels = min(pixels, attentionBlockPixels)
  let scale = 1 / Float(channels).squareRoot()
  return Tensor(shape: query.shape) { y in
    withUnsafeTemporaryAllocation(of: Float.self, capacity: blockPixels * pixels) { buffer in
      query.values.withUnsafeBufferPointer { query in
        guard let weights = buffer.baseAddress, let query = query.baseAddress else { return }
        for first in stride(from: 0, to: pixels, by: blockPixels) {
          let rows = min(blockPixels, pixels - first)
          withOneBLASThread {
            cblas_sgemm(
              CblasRowMajor, CblasNoTrans, CblasTrans, blasint(rows), blasint(pixels),
              blasint(channels), 1, query + first * channels, blasint(channels), key.values,
              blasint(channels), 0, weights, blasint(pixels))
          }
          dis_softmax(weights, rows, pixels, scale)
          withOneBLASThread {
            cblas_sgemm(
              CblasRowMajor, CblasNoTrans, CblasNoTrans, blasint(rows), blasint(channels),
              blasint(pixels), 1, weights, blasint(pixels), value.values, blasint(channels), 0,
              y + first * channels, blasint(channels))
          }
        }
      }
    }
  }
}

/// The number of rows of the weights computed at a time, large enough for the products to run at
/// full speed.
package let attentionBlockPixels = 512

/// Computes attention with several heads over the tokens of a sequence.
///
/// ```
/// y[l, h] = Σ_r softmax_r(q[l, h] · k[r, h] / √d) v[r, h]
/// ```
/// Memory grows with the number of tokens and not with its square. Sums are computed in `Float`.
/// In ``Precision/bfloat16``, q, k, v and the exponentials of the softmax are rounded before they
/// are multiplied.
///
/// - Parameters:
///   - qkv: Shape `[L, 3D]`: D columns of q, then of k, then of v. Each has `heads` heads of
///     d = D / `heads` consecutive columns.
///   - heads: The number of heads, a divisor of D.
///   - precision: The number format of the products.
///   - instructions: The instruction set of the kernel, by default the one in use. For
///     ``Precision/bfloat16``, it is replaced if it cannot multiply in that format.
/// - Returns: y, shape `[L, D]`: the heads side by side, in their order.
/// - SeeAlso: Vaswani et al., arXiv 1706.03762, Eq. (1) and section 3.2.2. Dao et al.,
///   "FlashAttention", arXiv 2205.14135, Algorithm 1.
package func multiHeadAttention(
  _ qkv: Tensor, heads: Int, precision: Precision = .float32,
  instructions: dis_instructions = dis_instructions_in_use()
) -> Tensor {
  precondition(
    qkv.shape.count == 2 && heads >= 1 && qkv.columns > 0 && qkv.columns.isMultiple(of: 3 * heads),
    "multiHeadAttention: \(qkv.shape), \(heads) heads")
  let instructions =
    precision == .bfloat16 ? dis_bfloat16_instructions(instructions) : instructions
  let (tokens, width) = (qkv.rows, qkv.columns / 3)
  let scratch = dis_attention_scratch(instructions, tokens, width / heads, precision.name)
  return Tensor(shape: [tokens, width]) { y in
    withAlignedFloats(count: scratch) {
      dis_attention(
        instructions, y, qkv.values, tokens, heads, width / heads, precision.name, $0)
    }
  }
}
