import Foundation
import Testing

extension Process {
  /// Runs the process without blocked signals, as a shell does. The threads of Dispatch, which run tests,
  /// block all signals, and a process inherits that: `sleep` could only be killed.
  func runUnblocked() throws {
    var none = sigset_t()
    var before = sigset_t()
    sigemptyset(&none)
    pthread_sigmask(SIG_SETMASK, &none, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    try run()
  }

  /// Waits until the process has used the processor for that long since the call, or has ended: on a busy
  /// machine a time says nothing of how far it is.
  func waitForWork(seconds: Double) {
    guard let start = processorSeconds else { return }
    while isRunning, let now = processorSeconds, now - start < seconds {
      Thread.sleep(forTimeInterval: 0.01)
    }
  }

  /// The processor time of all its threads, nil when it has ended (proc(5): fields 14 and 15 of `stat`).
  private var processorSeconds: Double? {
    let path = "/proc/\(processIdentifier)/stat"
    guard let text = try? String(contentsOfFile: path, encoding: .utf8),
      let end = text.lastIndex(of: ")")
    else { return nil }
    let fields = text[text.index(after: end)...].split(separator: " ")
    guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else {
      return nil
    }
    return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
  }
}

/// Runs tests that wait for processes on threads of their own, as many at a time as there are processors.
/// On those that asynchronous functions share, a few of them would keep all of these waiting.
struct BlockingTrait: SuiteTrait, TestTrait, TestScoping {
  var isRecursive: Bool { true }

  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    try await withTaskExecutorPreference(BlockingExecutor.shared) { try await function() }
  }
}

extension Trait where Self == BlockingTrait {
  /// The tests wait for processes.
  static var blocking: Self { BlockingTrait() }
}

/// Whether the calling thread is one of those for tests that wait.
var isOnBlockingThread: Bool { OperationQueue.current === BlockingExecutor.shared.queue }

private final class BlockingExecutor: TaskExecutor {
  static let shared = BlockingExecutor()
  let queue = OperationQueue()

  private init() {
    queue.maxConcurrentOperationCount = ProcessInfo.processInfo.activeProcessorCount
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.addOperation { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}

@Suite("Tests that wait", .blocking) struct BlockingTests {
  @Test("have threads of their own", arguments: 0..<3) func ownThreads(_: Int) {
    #expect(isOnBlockingThread)
  }
}
