import Dispatch
import Files
import Foundation
import Synchronization
import Work

/// A request made by the program `curl`, whose response is written to a file as it arrives.
///
/// `curl` writes the body to its standard output, and the heads of responses and its message to its
/// standard error. It takes proxies and certificates from the usual variables of the environment, such
/// as `https_proxy` and `SSL_CERT_FILE`, and reads no configuration of the user.
package final class Transfer: Sendable {
  enum Interruption: Error {
    /// The server does not continue at the end of the file.
    case cannotContinue
    /// The connection failed; trying again can help.
    case connection(String)
    /// The server refused.
    case failed(String)
    case tooLarge(Int)
  }

  /// The time in seconds in which a connection must be made, and the longest time without a byte.
  private static let patience = 60

  private let url: URL
  private let part: PartialFile
  private let offset: Int
  private let maximumSize: Int
  private let reporter: Reporter
  private let process = Mutex<Process?>(nil)

  init(of url: URL, to part: PartialFile, maximumSize: Int, reporter: Reporter) {
    (self.url, self.part, offset) = (url, part, part.size)
    (self.maximumSize, self.reporter) = (maximumSize, reporter)
  }

  /// Returns the arguments of `curl`. The address can be neither an option nor a pattern, and a
  /// redirection never leaves https, or leads to a scheme other than http or https.
  ///
  /// - Parameters:
  ///   - url: The address, with http or https.
  ///   - offset: The number of bytes that are already there.
  package static func arguments(for url: URL, from offset: Int) -> [String] {
    let schemes = url.scheme == "https" ? "=https" : "=http,https"
    return [
      // The first argument, or the user's configuration is read.
      "--disable",
      "--silent", "--show-error", "--no-buffer",
      "--dump-header", "/dev/stderr", "--suppress-connect-headers",
      "--proto", schemes, "--proto-redir", schemes, "--location", "--max-redirs", "16",
      "--connect-timeout", "\(patience)", "--speed-limit", "1", "--speed-time", "\(patience)",
      "--user-agent", "\(Tool.name)/\(Tool.version)",
      // Request the bytes of the file itself, because a range counts these.
      "--header", "Accept-Encoding: identity",
    ] + (offset > 0 ? ["--range", "\(offset)-"] : []) + [
      "--globoff", "--url", url.absoluteString,
    ]
  }

  /// Makes the request and appends its response to the file.
  ///
  /// - Parameter curl: The path of the program.
  func run(_ curl: String) async throws {
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation {
        (continuation: CheckedContinuation<Void, any Error>) in
        // A thread of its own, because it waits for the network.
        Thread.detachNewThread {
          continuation.resume(with: Result { try self.receive(curl) })
        }
      }
    } onCancel: {
      process.withLock { Self.end($0) }
    }
  }

  private func receive(_ curl: String) throws {
    let child = Process()
    let (body, messages) = (Pipe(), Pipe())
    child.executableURL = URL(fileURLWithPath: curl)
    child.arguments = Self.arguments(for: url, from: offset)
    child.standardInput = FileHandle.nullDevice
    child.standardOutput = body
    child.standardError = messages
    let ended = DispatchSemaphore(value: 0)
    child.terminationHandler = { _ in ended.signal() }
    do {
      try child.run()
    } catch {
      throw Interruption.failed("\(curl) cannot be started: \(error.localizedDescription)")
    }
    process.withLock { $0 = child }
    defer { process.withLock { $0 = nil } }

    let lines = LineReader(messages.fileHandleForReading)
    do {
      let (head, others) = ResponseHead.read(lines.next)
      let total = try head.map(accept)
      lines.readRest()
      if head != nil { try append(body.fileHandleForReading, total: total ?? nil) }
      ended.wait()
      guard child.terminationReason == .exit, child.terminationStatus == 0 else {
        throw Interruption.connection(Self.reason(others + lines.rest(), child))
      }
      guard head != nil else { throw Interruption.failed("the server sent no usable response") }
      if let total, let total, part.size != total {
        throw Interruption.connection(
          "the connection was closed after \(part.size) bytes of \(total)")
      }
    } catch {
      Self.end(child)
      throw error
    }
  }

  /// Ends the process. It may have inherited that other signals are blocked.
  private static func end(_ process: Process?) {
    if let process, process.isRunning { kill(process.processIdentifier, SIGKILL) }
  }

  /// Returns the size of the whole file in bytes, if the server states it.
  private func accept(_ head: ResponseHead) throws -> Int? {
    var total = head.header("content-length").flatMap { Int($0) }
    switch head.status {
    case 200: try part.empty()
    case 206:
      // For example: bytes 100-199/200
      let range = (head.header("content-range") ?? "").split { " -/".contains($0) }
      guard range.count == 4, Int(range[1]) == offset else { throw Interruption.cannotContinue }
      total = Int(range[3])
    case 416 where offset > 0: throw Interruption.cannotContinue
    default: throw Interruption.failed("the server answered with status \(head.status)")
    }
    if head.header("content-type")?.hasPrefix("text/html") ?? false {
      throw Interruption.failed("the server sent a web page instead of the file")
    }
    if let total, total > maximumSize { throw Interruption.tooLarge(total) }
    return total
  }

  private func append(_ body: FileHandle, total: Int?) throws {
    var reported = ContinuousClock.now
    while case let bytes = available(body, upTo: 1 << 16), !bytes.isEmpty {
      let size = part.size + bytes.count
      guard size <= maximumSize else { throw Interruption.tooLarge(size) }
      try part.append(bytes)
      guard let total, size <= total else { continue }
      guard size == total || .now - reported > .milliseconds(100) else { continue }
      reported = .now
      reporter.progress(
        WorkProgress(activity: "downloading", done: size, total: total, unit: .bytes))
    }
  }

  /// Returns curl's message, such as `Could not resolve host: example.org`.
  private static func reason(_ messages: [String], _ process: Process) -> String {
    guard process.terminationReason == .exit else {
      return "curl was ended by signal \(process.terminationStatus)"
    }
    let prefix = "curl: (\(process.terminationStatus)) "
    return messages.last { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
      ?? "curl ended with status \(process.terminationStatus)"
  }
}

/// What a program writes, line by line.
private final class LineReader: Sendable {
  private let handle: FileHandle
  private let bytes = Mutex<[UInt8]>([])
  private let hasEnded = DispatchSemaphore(value: 0)
  /// The number of bytes that are kept of a line, and of the rest.
  private static let limit = 1 << 16

  init(_ handle: FileHandle) { self.handle = handle }

  /// Returns the next line without its end, or nil after the last.
  func next() -> String? {
    bytes.withLock { bytes in
      while true {
        if let end = bytes.firstIndex(of: UInt8(ascii: "\n")) {
          defer { bytes.removeFirst(end + 1) }
          return Self.text(bytes[..<end])
        }
        let more = bytes.count < Self.limit ? available(handle, upTo: 4096) : []
        guard !more.isEmpty else {
          defer { bytes = [] }
          return bytes.isEmpty ? nil : Self.text(bytes[...])
        }
        bytes += more
      }
    }
  }

  /// Begins to read everything that follows on a thread of its own, so that the program never waits.
  func readRest() {
    Thread.detachNewThread { [self] in
      while case let more = available(handle, upTo: 4096), !more.isEmpty {
        bytes.withLock { $0 = ($0 + more).suffix(Self.limit) }
      }
      hasEnded.signal()
    }
  }

  /// Waits for the end of what ``readRest()`` reads, and returns the last lines.
  func rest() -> [String] {
    hasEnded.wait()
    return bytes.withLock { $0.split(separator: UInt8(ascii: "\n")).map(Self.text) }
  }

  private static func text(_ bytes: ArraySlice<UInt8>) -> String {
    String(decoding: bytes.last == UInt8(ascii: "\r") ? bytes.dropLast() : bytes, as: UTF8.self)
  }
}

/// Returns the bytes that a pipe has, and waits for the first of them. There are none after the last.
private func available(_ handle: FileHandle, upTo count: Int) -> [UInt8] {
  [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
    var found = read(handle.fileDescriptor, buffer.baseAddress, count)
    while found < 0, errno == EINTR {
      found = read(handle.fileDescriptor, buffer.baseAddress, count)
    }
    filled = max(found, 0)
  }
}
