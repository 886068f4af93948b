import Files
import Foundation
import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// A program that this process started, in a process group of its own.
///
/// It reads requests on standard input and answers on descriptor 3. Standard output and standard error
/// are read line by line on a thread. Another thread waits for its end, so that nothing is left behind:
/// neither the process nor those that it started.
final class ChildProcess: Sendable {
  /// The descriptor of the requests, to be written.
  let requests: Int32
  /// The descriptor of the answers, to be read.
  let answers: Int32
  private let group: pid_t
  private let state = Mutex(State())
  private let hasEnded = DispatchSemaphore(value: 0)

  private struct State {
    /// The status of waitpid(2); nil while the process runs.
    var status: Int32?
    var lastLines: [String] = []
  }

  /// The number of the descriptor of the answers in the program.
  static let answersNumber: Int32 = 3
  /// The number of lines that are kept for messages.
  private static let keptLines = 10

  /// Starts a program.
  ///
  /// - Parameters:
  ///   - command: The program, which is looked for on the `PATH`, and its arguments.
  ///   - environment: Variables in addition to those of this process.
  ///   - log: Receives every line that the program prints; called on any thread.
  /// - Throws: `Failure` `GeneratorNotStarted` (69) if there is no such program, or the system has no
  ///   resources for it.
  init(
    _ command: [String], environment: [String: String], log: @escaping @Sendable (String) -> Void
  ) throws(Failure) {
    func refused(_ error: Int32) -> Failure {
      Failure(
        .unavailable, .generatorNotStarted, command[0],
        error == ENOENT
          ? "there is no such program on the PATH or at that path; give the command as "
            + "'python3 sampler.py model.pt'"
          : "cannot be started: \(String(cString: strerror(error)))")
    }
    let output: Int32
    do throws(SystemError) {
      (group, requests, output, answers) = try Self.start(command, environment)
    } catch {
      throw refused(error.number)
    }
    _ = fcntl(requests, F_SETFL, O_NONBLOCK)
    Thread.detachNewThread { [weak self] in
      readLines(of: output) { line in
        self?.state.withLock { state in
          state.lastLines = (state.lastLines + [line]).suffix(Self.keptLines)
        }
        log(line)
      }
    }
    Thread.detachNewThread { [self] in waitForEnd() }
  }

  /// Held while there are descriptors that another program, started at the same time, would get too.
  private static let descriptors = Mutex(())

  private static func start(
    _ command: [String], _ environment: [String: String]
  ) throws(SystemError) -> (group: pid_t, requests: Int32, output: Int32, answers: Int32) {
    try descriptors.withLock { _ throws(SystemError) in
      var pipes: [Pipe] = []
      defer { for pipe in pipes { close(pipe.foreign) } }
      do throws(SystemError) {
        for isInput in [true, false, false] { pipes.append(try Pipe(isInput: isInput)) }
        let group = try spawn(
          command, environment: environment,
          descriptors: [
            (pipes[0].foreign, STDIN_FILENO), (pipes[1].foreign, STDOUT_FILENO),
            (pipes[1].foreign, STDERR_FILENO), (pipes[2].foreign, answersNumber),
          ])
        return (group, pipes[0].own, pipes[1].own, pipes[2].own)
      } catch {
        for pipe in pipes { close(pipe.own) }
        throw error
      }
    }
  }

  deinit {
    close(requests)
    close(answers)
  }

  /// Waits until the process ends, and then ends those that it started.
  private func waitForEnd() {
    var information = siginfo_t()
    // The process remains known, so that no other can have its number while its group is ended.
    while waitid(P_PID, id_t(group), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
    state.withLock { state in
      kill(-group, SIGKILL)
      var status: Int32 = 0
      while waitpid(group, &status, 0) < 0, errno == EINTR {}
      state.status = status
    }
    hasEnded.signal()
  }

  /// Sends a signal to the process and those that it started, if it has not ended.
  func signal(_ number: Int32) {
    state.withLock { if $0.status == nil { kill(-group, number) } }
  }

  /// Waits until the process has ended.
  ///
  /// - Returns: Whether it has.
  func wait(seconds: Double) -> Bool {
    guard hasEnded.wait(timeout: .now() + seconds) == .success else { return false }
    hasEnded.signal()
    return true
  }

  /// Ends the process: by closing its standard input after the message `stop`, then by SIGTERM, then by
  /// SIGKILL.
  ///
  /// - Parameter patience: The time in seconds before each of the signals.
  func end(patience: Double = 10) {
    shutdownInput()
    if wait(seconds: patience) { return }
    signal(SIGTERM)
    if wait(seconds: patience) { return }
    signal(SIGKILL)
    _ = wait(seconds: patience)
  }

  private func shutdownInput() {
    // Another descriptor takes its place, so that its number is not given to anything else.
    let null = open("/dev/null", O_WRONLY | O_CLOEXEC)
    guard null >= 0 else { return }
    Self.descriptors.withLock { _ in
      dup2(null, requests)
      _ = fcntl(requests, F_SETFD, FD_CLOEXEC)
    }
    close(null)
  }

  /// How the process ended and what it printed last, for a message.
  var epitaph: String {
    state.withLock { state in
      let end =
        switch state.status {
        case nil: "closed the descriptor of its answers"
        case let status? where status & 0x7f == 0: "ended with status \(status >> 8 & 0xff)"
        case let status?: "was ended by signal \(status & 0x7f)"
        }
      guard !state.lastLines.isEmpty else { return "\(end), and printed nothing" }
      return "\(end); it printed: \(state.lastLines.joined(separator: " | "))"
    }
  }
}

/// An error number of the system.
private struct SystemError: Error {
  let number: Int32
}

/// A pipe between this process and a program.
private struct Pipe {
  /// The end of this process.
  let own: Int32
  /// The end of the program.
  let foreign: Int32

  /// - Parameter isInput: Whether the program reads.
  init(isInput: Bool) throws(SystemError) {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw SystemError(number: errno) }
    // The descriptors of the program are set one by one, so that theirs must not be among these.
    let moved = ends.map { fcntl($0, F_DUPFD_CLOEXEC, 10) }
    let error = errno
    for end in ends { close(end) }
    guard !moved.contains(where: { $0 < 0 }) else {
      for end in moved where end >= 0 { close(end) }
      throw SystemError(number: error)
    }
    (own, foreign) = isInput ? (moved[1], moved[0]) : (moved[0], moved[1])
  }
}

/// Starts a program in a process group of its own, with the default handling of all signals.
///
/// - Parameter descriptors: Those of this process, and their numbers in the program. It has no others.
private func spawn(
  _ command: [String], environment: [String: String], descriptors: [(own: Int32, number: Int32)]
) throws(SystemError) -> pid_t {
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  for (own, number) in descriptors { posix_spawn_file_actions_adddup2(&actions, own, number) }
  var attributes = posix_spawnattr_t()
  posix_spawnattr_init(&attributes)
  defer { posix_spawnattr_destroy(&attributes) }
  var (all, none) = (sigset_t(), sigset_t())
  sigfillset(&all)
  sigemptyset(&none)
  posix_spawnattr_setsigdefault(&attributes, &all)
  posix_spawnattr_setsigmask(&attributes, &none)
  posix_spawnattr_setpgroup(&attributes, 0)
  posix_spawnattr_setflags(
    &attributes,
    Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))

  let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }
  let arguments = command.map { strdup($0) }
  let settings = variables.map { strdup("\($0.key)=\($0.value)") }
  defer { for text in arguments + settings { free(text) } }
  var process: pid_t = 0
  let error = posix_spawnp(
    &process, command[0], &actions, &attributes, arguments + [nil], settings + [nil])
  guard error == 0 else { throw SystemError(number: error) }
  return process
}

/// Reads text from a descriptor until its end, and passes on every line that is not empty. What a
/// carriage return overwrites is left out, and so is what exceeds a thousand bytes.
private func readLines(of descriptor: Int32, _ line: (String) -> Void) {
  var current: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 4096)
  func finish() {
    if !current.isEmpty { line(String(decoding: current.prefix(1000), as: UTF8.self)) }
    current.removeAll(keepingCapacity: true)
  }
  while true {
    let count = read(descriptor, &buffer, buffer.count)
    if count < 0, errno == EINTR { continue }
    guard count > 0 else { break }
    for byte in buffer[..<count] {
      switch byte {
      case UInt8(ascii: "\n"): finish()
      case UInt8(ascii: "\r"): current.append(byte)
      default:
        if current.last == UInt8(ascii: "\r") { current.removeAll(keepingCapacity: true) }
        if current.count < 1000 { current.append(byte) }
      }
    }
  }
  finish()
  close(descriptor)
}
