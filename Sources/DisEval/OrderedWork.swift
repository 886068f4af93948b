/// Computes `count` pieces of work on `width` workers and consumes their results in order.
///
/// The one level of parallelism of the whole tool. At most `2 * width` results wait for their turn,
/// so memory does not grow with `count`.
///
/// - Throws: The first error of `compute` or `consume`; work not yet started is dropped.
package func forEachInOrder<Output: Sendable>(
  count: Int, width: Int, compute: @escaping @Sendable (Int) throws -> Output,
  consume: (Int, Output) throws -> Void
) async throws {
  try await withThrowingTaskGroup(of: (Int, Output).self) { group in
    var waiting: [Int: Output] = [:]
    var started = 0
    var consumed = 0
    func startWhatFits() {
      while started < count, started - consumed < 2 * width,
        started - consumed - waiting.count < width
      {
        let index = started
        group.addTask { (index, try compute(index)) }
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
