import Files
import Foundation
import Synchronization
import Testing
import Work

import DisEval

@Suite("Ordered work") struct OrderedWorkTests {
  @Test("results arrive in order whatever order they finish in", arguments: [1, 2, 7])
  func order(width: Int) async throws {
    var seen: [Int] = []
    try await forEachInOrder(count: 50, width: width, inFlight: 4) { index in
      // Early pieces take longer than late ones.
      usleep(UInt32(50 - index) * 20)
      return index * index
    } consume: { index, value in
      #expect(value == index * index)
      seen.append(index)
    }
    #expect(seen == Array(0..<50))
  }

  @Test func noMoreThanTheWidthRunsAtOnce() async throws {
    let running = Mutex((now: 0, most: 0))
    try await forEachInOrder(count: 30, width: 2, inFlight: 4) { _ in
      running.withLock {
        $0.now += 1
        $0.most = max($0.most, $0.now)
      }
      usleep(500)
      running.withLock { $0.now -= 1 }
    } consume: { _, _ in
    }
    #expect(running.withLock { $0.most } <= 2)
  }

  @Test func resultsThatWaitAreBounded() async throws {
    let started = Mutex(0)
    let release = Mutex(false)
    try await forEachInOrder(count: 100, width: 2, inFlight: 4) { index in
      started.withLock { $0 += 1 }
      if index == 0 {
        // The first piece waits until the others have had time to run ahead.
        usleep(50_000)
        release.withLock { $0 = true }
        #expect(started.withLock { $0 } <= 4)
      }
    } consume: { _, _ in
    }
    #expect(release.withLock { $0 })
  }

  @Test func anErrorEndsTheWork() async throws {
    struct Stop: Error {}
    await #expect(throws: Stop.self) {
      try await forEachInOrder(count: 1000, width: 2, inFlight: 4) { index in
        if index == 3 { throw Stop() }
      } consume: { index, _ in
        #expect(index < 3)
      }
    }
  }

  @Test func noWorkIsNoWork() async throws {
    try await forEachInOrder(count: 0, width: 2, inFlight: 4) { _ in
      Issue.record("called")
    } consume: { _, _ in
    }
  }
}
