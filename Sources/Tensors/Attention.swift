import CKernels
import CLAPACK

/// Attention with one head over the pixels of an image.
///
/// ```
/// y[p] = Σ_r softmax_r(q[p] · k[r] / √C) v[r]
/// ```
/// The weights of a block of pixels `p` at a time, `[block, H·W]`, so that memory grows with the
/// number of pixels and not with its square. Products are `Float`, sums of the softmax `Double`.
///
/// - Parameters:
///   - query: Shape `[H, W, C]`, as the two others.
/// - Returns: Shape `[H, W, C]`.
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

/// Rows of the weights that are computed at a time: enough for the products to run at full speed.
package let attentionBlockPixels = 512
