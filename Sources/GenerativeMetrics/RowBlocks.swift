import Dispatch
import Tensors

/// The number of rows that are multiplied together.
let rowsTogether = 1024

/// Returns rows minus a mean, `[n, D]`.
///
/// - Parameters:
///   - rows: `[n, D]`.
///   - mean: `[D]`.
func centered(_ rows: [Float], around mean: [Double]) -> Matrix {
  let dimension = mean.count
  let values = [Double](unsafeUninitializedCapacity: rows.count) { buffer, count in
    for start in stride(from: 0, to: rows.count, by: dimension) {
      for column in 0..<dimension {
        buffer.initializeElement(
          at: start + column, to: Double(rows[start + column]) - mean[column])
      }
    }
    count = rows.count
  }
  return Matrix(rows: rows.count / dimension, columns: dimension, values: values)
}

/// Calls `body` for every element, for all at the same time.
///
/// - Parameter body: Receives the index of an element, and the element.
func forEachConcurrently<Item: Sendable>(
  _ items: inout [Item], _ body: @Sendable (Int, inout Item) -> Void
) {
  items.withUnsafeMutableBufferPointer { items in
    // Every call has an element of its own.
    nonisolated(unsafe) let items = items
    DispatchQueue.concurrentPerform(iterations: items.count) { body($0, &items[$0]) }
  }
}
