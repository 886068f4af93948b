import Synchronization

/// A fixed number of places that tasks take in turn: the processes of a generator, or the processor cores
/// that may be busy. A task that finds none free waits without holding a thread.
package final class Slots: Sendable {
  private struct State {
    /// The numbers of the free places, the next one last.
    var free: [Int]
    /// Those that wait, the first one first.
    var waiting: [CheckedContinuation<Int, Never>] = []
  }
  private let state: Mutex<State>

  /// Creates free places.
  ///
  /// - Parameter count: The number of places, at least 1.
  package init(_ count: Int) { state = Mutex(State(free: (0..<max(1, count)).reversed())) }

  /// Runs `body` in a place, as soon as one is free.
  ///
  /// - Parameter body: Receives the number of the place, from 0.
  /// - Throws: `CancellationError` if the task is cancelled before it has a place, or the error thrown
  ///   by `body`.
  package func use<Value: Sendable>(
    _ body: (Int) async throws -> Value
  ) async throws -> Value {
    let place = await withCheckedContinuation { continuation in
      let free = state.withLock { state in
        if let free = state.free.popLast() { return free as Int? }
        state.waiting.append(continuation)
        return nil
      }
      if let free { continuation.resume(returning: free) }
    }
    defer {
      let next = state.withLock { state in
        if state.waiting.isEmpty {
          state.free.append(place)
          return nil as CheckedContinuation<Int, Never>?
        }
        return state.waiting.removeFirst()
      }
      next?.resume(returning: place)
    }
    try Task.checkCancellation()
    return try await body(place)
  }
}
