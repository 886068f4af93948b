import Synchronization

/// Memory for the calls of a network to work in, one piece for each call at a time, kept for the next
/// calls. From an allocator that gives it back to the system in between, each image begins with
/// faults for all of its pages: up to a seventh of the time of Inception.
final class Workspaces: Sendable {
  private let count: Int
  private let idle = Mutex<[AlignedFloats]>([])

  /// Pieces of `count` floats, none of them yet.
  init(count: Int) { self.count = count }

  /// Calls `body` with `number` pieces at multiples of 64 bytes, with any content.
  func callAsFunction<Result>(
    _ number: Int, _ body: ([UnsafeMutablePointer<Float>]) -> Result
  ) -> Result {
    var pieces = idle.withLock { idle in
      let taken = Array(idle.suffix(number))
      idle.removeLast(taken.count)
      return taken
    }
    while pieces.count < number { pieces.append(AlignedFloats(count: count) { _ in }) }
    defer { idle.withLock { $0 += pieces } }
    return body(pieces.map(\.pointer))
  }
}
