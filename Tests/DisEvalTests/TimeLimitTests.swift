import Dispatch
import Foundation
import Testing
import _TestSupport

/// The time limit that tests of asynchronous work use.
@Suite("Time limits of tests") struct TimeLimitTests {
  @Test func workThatHangsIsGivenUp() async {
    await #expect(throws: TimeLimitExceeded.self) {
      try await limited(seconds: 0.05) { try await Task.sleep(for: .seconds(3600)) }
    }
  }

  @Test func resultsAndErrorsGetThrough() async throws {
    struct Stop: Error {}
    #expect(try await limited(seconds: 60) { 7 } == 7)
    await #expect(throws: Stop.self) { try await limited(seconds: 60) { throw Stop() } }
  }

  /// Whatever blocks all threads that asynchronous functions share until the work is done.
  @Test func workNeedsNoSharedThread() async throws {
    let release = DispatchSemaphore(value: 0)
    let count = 2 * ProcessInfo.processInfo.activeProcessorCount
    @Sendable func wait() -> Bool { release.wait(timeout: .now() + 300) == .success }
    let blocked = (0..<count).map { _ in Task.detached { wait() } }
    try await limited(seconds: 60) {
      for _ in 0..<10 { await Task.yield() }
      for _ in 0..<count { release.signal() }
    }
    for task in blocked { #expect(await task.value) }
  }
}
