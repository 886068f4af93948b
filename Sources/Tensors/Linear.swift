import CLAPACK

/// Applies an affine map to rows: `y[r, o] = bias[o] + sum_k x[r, k] * weight[o, k]`.
///
/// This is one call of OpenBLAS's `sgemm` on the calling thread. The bits of a row depend on the
/// number of rows, so callers pass one sample at a time.
///
/// - Parameters:
///   - x: Rows `[..., K']` with `K' >= K`; the first K columns are used.
///   - weight: `[O, K]`, as PyTorch stores it.
///   - bias: `[O]`, or nil for none.
/// - Returns: `[rows of x, O]`.
package func linear(_ x: Tensor, _ weight: Tensor, bias: Tensor? = nil) -> Tensor {
  let (rows, outputs, inner) = (x.rows, weight.shape[0], weight.shape[1])
  precondition(x.columns >= inner, "linear: \(x.columns) columns, the weight needs \(inner)")
  precondition(bias.map { $0.count == outputs } ?? true, "linear: bias of another length")
  return Tensor(shape: [rows, outputs]) { y in
    if let bias {
      for row in 0..<rows {
        bias.values.withUnsafeBufferPointer { values in
          guard let from = values.baseAddress else { return }
          (y + row * outputs).update(from: from, count: outputs)
        }
      }
    }
    withOneBLASThread {
      cblas_sgemm(
        CblasRowMajor, CblasNoTrans, CblasTrans, blasint(rows), blasint(outputs), blasint(inner), 1,
        x.values, blasint(x.columns), weight.values, blasint(inner), bias == nil ? 0 : 1, y,
        blasint(outputs))
    }
  }
}
