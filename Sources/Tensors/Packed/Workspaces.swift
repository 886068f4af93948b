import Synchronization

/// Work memory for the calls of a network. Each call uses its own pieces, which are kept for later
/// calls. An allocator that returns memory to the system in between would cause page faults on all
/// of its pages for each image, up to a seventh of the time of Inception.
final class Workspaces: Sendable {
  private let count: Int
  private let idle = Mutex<[AlignedFloats]>([])

  /// Creates an empty pool of pieces of `count` floats.
  init(count: Int) { self.count = count }

  /// Calls `body` with `number` pieces, aligned to 64 bytes, with undefined content.
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
