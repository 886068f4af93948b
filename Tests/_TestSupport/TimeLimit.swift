import Foundation
import Synchronization

/// Work took longer than it may.
package struct TimeLimitExceeded: Error, CustomStringConvertible {
  package let seconds: Double
  package var description: String { "the work did not end within \(seconds) s" }
}

/// Runs `work` on a thread of its own and gives up after `seconds`.
///
/// The time limits of Swift Testing also count how long a test waits for a thread, while others that
/// wait for processes hold all threads that asynchronous functions share. This work needs none of those
/// and is measured alone.
///
/// - Throws: ``TimeLimitExceeded``, or what `work` throws.
package func limited<Success: Sendable>(
  seconds: Double, _ work: @escaping @Sendable () async throws -> Success
) async throws -> Success {
  let outcome = Outcome<Success>()
  let task = Task(executorPreference: OwnThread()) {
    do {
      outcome.set(.success(try await work()))
    } catch {
      outcome.set(.failure(error))
    }
  }
  DispatchQueue(label: "time limit").asyncAfter(deadline: .now() + seconds) { [weak outcome] in
    outcome?.set(.failure(TimeLimitExceeded(seconds: seconds)))
    task.cancel()
  }
  return try await outcome.value
}

/// A result that is awaited once and set by whoever is first.
private final class Outcome<Success: Sendable>: Sendable {
  private enum State {
    case open
    case awaited(CheckedContinuation<Success, any Error>)
    case set(Result<Success, any Error>)
  }
  private let state = Mutex(State.open)

  func set(_ result: Result<Success, any Error>) {
    let continuation = state.withLock { state -> CheckedContinuation<Success, any Error>? in
      if case .set = state { return nil }
      defer { state = .set(result) }
      if case .awaited(let continuation) = state { return continuation }
      return nil
    }
    continuation?.resume(with: result)
  }

  var value: Success {
    get async throws {
      try await withCheckedThrowingContinuation { continuation in
        let result = state.withLock { state -> Result<Success, any Error>? in
          if case .set(let result) = state { return result }
          state = .awaited(continuation)
          return nil
        }
        if let result { continuation.resume(with: result) }
      }
    }
  }
}

/// A serial queue that no other work is on.
private final class OwnThread: TaskExecutor {
  private let queue = DispatchQueue(label: "a test's own thread")

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}
