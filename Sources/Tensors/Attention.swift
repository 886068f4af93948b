import CKernels
import CLAPACK

/// Attention with one head over the pixels of an image.
///
/// ```
/// y[:, p] = Σ_r softmax_r(q[:, p] · k[:, r] / √C) v[:, r]
/// ```
/// The weights of a block of pixels `p` at a time, `[block, H·W]`, so that memory grows with the
/// number of pixels and not with its square. Products are `Float`, sums of the softmax `Double`.
///
/// - Parameters:
///   - query: Shape `[C, H, W]`, as the two others.
/// - Returns: Shape `[C, H, W]`.
/// - SeeAlso: Vaswani et al., arXiv 1706.03762, Eq. (1).
package func attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor {
  precondition(
    query.shape == key.shape && key.shape == value.shape,
    "attention: \(query.shape), \(key.shape), \(value.shape)")
  let channels = query.shape[0]
  let pixels = query.count / channels
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
              CblasRowMajor, CblasTrans, CblasNoTrans, blasint(rows), blasint(pixels),
              blasint(channels), 1, query + first, blasint(pixels), key.values, blasint(pixels), 0,
              weights, blasint(pixels))
          }
          dis_softmax(weights, rows, pixels, scale)
          withOneBLASThread {
            cblas_sgemm(
              CblasRowMajor, CblasNoTrans, CblasTrans, blasint(channels), blasint(rows),
              blasint(pixels), 1, value.values, blasint(pixels), weights, blasint(pixels), 0,
              y + first, blasint(pixels))
          }
        }
      }
    }
  }
}

/// Rows of the weights that are computed at a time: enough for the products to run at full speed.
package let attentionBlockPixels = 512
