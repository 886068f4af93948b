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
