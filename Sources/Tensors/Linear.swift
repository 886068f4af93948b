import CLAPACK
import Foundation

/// An affine map of rows: `y[r, o] = bias[o] + sum_k x[r, k] * weight[o, k]`.
///
/// One call of OpenBLAS's `sgemm` on the calling thread. The bits of a row depend on the number of
/// rows, so callers give one sample at a time.
///
/// - Parameters:
///   - x: Rows `[..., K']` with `K' >= K`; the first `K` columns are used.
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
    cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasTrans, blasint(rows), blasint(outputs), blasint(inner), 1,
      x.values, blasint(x.columns), weight.values, blasint(inner), bias == nil ? 0 : 1, y,
      blasint(outputs))
  }
}

/// Tells OpenBLAS to run every call on the calling thread.
///
/// Workers run side by side, one unit of work each; a second level of threads would fight them, and
/// OpenBLAS gives other bits for other thread counts.
///
/// OpenBLAS allocates a buffer for every thread that calls it, and tries again for ever when it gets
/// none. So the memory is asked for here first, and given back.
///
/// - Parameter callers: Threads that will call it at the same time.
/// - Returns: Whether there is memory for all of them.
package func prepareLinearAlgebra(callers: Int) -> Bool {
  openblas_set_num_threads(1)
  let bufferSize = 128 << 20  // BUFFER_SIZE of OpenBLAS's x86-64 build
  let size = (callers + 1) * (bufferSize + (1 << 20))
  let memory = mmap(
    nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
  guard let memory, memory != MAP_FAILED else { return false }
  munmap(memory, size)
  return true
}
