/// Computes `count` pieces of work on `width` workers and consumes their results in order.
///
/// The one level of parallelism of the whole tool.
///
/// - Parameters:
///   - width: Pieces that run at once.
///   - inFlight: Pieces that run or wait for their turn, at least `width`: what bounds memory.
/// - Throws: The first error of `compute` or `consume`; work not yet started is dropped.
package func forEachInOrder<Output: Sendable>(
  count: Int, width: Int, inFlight: Int, compute: @escaping @Sendable (Int) throws -> Output,
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
          return (index, try compute(index))
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
