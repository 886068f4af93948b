/// Computes `count` pieces of work on `width` workers and consumes their results in order.
///
/// This is the only level of parallelism in the tool.
///
/// - Parameters:
///   - count: The number of pieces, at least 0.
///   - width: The number of pieces that run at once, at least 1.
///   - inFlight: The number of pieces that run or wait to be consumed; it bounds memory. Values
///     below `width` count as `width`.
///   - compute: Computes the result of the piece at an index, on any thread.
///   - consume: Receives each index and its result, in ascending order of the index.
/// - Throws: The first error thrown by `compute` or `consume`, or `CancellationError` if the task
///   is cancelled. Work that has not started is dropped.
package func forEachInOrder<Output: Sendable>(
  count: Int, width: Int, inFlight: Int, compute: @escaping @Sendable (Int) async throws -> Output,
  consume: (Int, Output) throws -> Void
) async throws {
  try await withThrowingTaskGroup(of: (Int, Output).self) { group in
    var waiting: [Int: Output] = [:]
    var started = 0
    var consumed = 0
    func startWhatFits() {
      while started < count, started - consumed < max(width, inFlight),
        started - consumed - waiting.count < width
      {
        let index = started
        group.addTask {
          try Task.checkCancellation()
          return (index, try await compute(index))
        }
        started += 1
      }
    }
    startWhatFits()
    while let (index, output) = try await group.next() {
      waiting[index] = output
      while let next = waiting.removeValue(forKey: consumed) {
        try consume(consumed, next)
        consumed += 1
      }
      startWhatFits()
    }
  }
}
