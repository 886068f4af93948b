import Files
import Foundation
import Synchronization
import Work

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// A download of weights or statistics from a public server.
///
/// The file grows as `<path>.part`, which the next call continues after an interruption. It gets
/// its name only after its SHA-256 has been verified.
package struct Download: Sendable {
  /// The address, with http or https.
  package let address: String
  /// The expected SHA-256, or nil if none is known. Only a file with a known SHA-256 is continued,
  /// because otherwise the beginning of a different version could not be detected.
  package let sha256: String?
  /// The largest accepted size in bytes.
  package var maximumSize = 16 << 30

  /// Describes a download without starting it.
  package init(address: String, sha256: String?) {
    (self.address, self.sha256) = (address, sha256)
  }

  /// Downloads the file to `path`, replacing an existing file.
  ///
  /// - Parameters:
  ///   - path: The file to write.
  ///   - reporter: Receives the progress in bytes.
  /// - Returns: The SHA-256 of the file.
  /// - Throws: `Failure` `AddressInvalid` (64) if the address is not one of http or https;
  ///   `DownloadFailed` (69) with what to do by hand; `DownloadLimit` or `HashMismatch` (65), after
  ///   which nothing is kept; `Busy` or `CannotCreate` (73), `DiskFull` or `InputOutput` (74) if
  ///   the file cannot be written.
  package func fetch(to path: String, reporter: Reporter) async throws -> String {
    guard let url = URL(string: address), let scheme = url.scheme, let host = url.host,
      ["http", "https"].contains(scheme), !host.isEmpty
    else { throw Failure(.usage, .addressInvalid, address, "expected one of http or https") }
    let part = try PartialFile(path: path)
    defer {
      if part.size == 0 { part.remove() }
      part.release()
    }
    if sha256 == nil { try part.empty() }
    do {
      try await transfer(url, part, reporter)
    } catch Transfer.Interruption.cannotContinue {
      try part.empty()
      try await transfer(url, part, reporter)
    }

    let head = try ReadableFile(path: part.temporaryPath).bytes(at: 0, count: min(part.size, 64))
    if head.first(where: { !" \n\r\t".utf8.contains($0) }) == UInt8(ascii: "<") {
      part.remove()
      throw failed("the server sent a web page instead of the file", path)
    }
    let hash = try Files.sha256(ofFile: part.temporaryPath)
    guard hash == sha256 ?? hash else {
      part.remove()
      throw Failure(
        .dataRefused, .hashMismatch, address,
        "SHA-256 \(hash), expected \(sha256 ?? ""); it was removed; try again, or elsewhere")
    }
    try part.commit()
    return hash
  }

  private func transfer(_ url: URL, _ part: PartialFile, _ reporter: Reporter) async throws {
    let size = part.size
    var request = URLRequest(url: url)
    request.setValue("\(Tool.name)/\(Tool.version)", forHTTPHeaderField: "User-Agent")
    // Request the bytes of the file itself, because a range counts these.
    request.setValue("identity", forHTTPHeaderField: "Accept-Encoding")
    if size > 0 { request.setValue("bytes=\(size)-", forHTTPHeaderField: "Range") }

    let transfer = Transfer(part: part, offset: size, maximumSize: maximumSize, reporter: reporter)
    let session = URLSession(configuration: .ephemeral, delegate: transfer, delegateQueue: nil)
    defer { session.finishTasksAndInvalidate() }
    let task = session.dataTask(with: request)
    do {
      try await withTaskCancellationHandler {
        try await withCheckedThrowingContinuation { transfer.start(task, $0) }
      } onCancel: {
        task.cancel()
      }
    } catch Transfer.Interruption.failed(let reason) {
      throw failed(reason, part.path)
    } catch Transfer.Interruption.tooLarge(let count) {
      part.remove()
      throw Failure(
        .dataRefused, .downloadLimit, address,
        "\(count) bytes or more, expected at most \(maximumSize)")
    } catch let error as URLError {
      let kept = part.size
      throw failed(
        error.localizedDescription
          + (sha256 != nil && kept > 0 ? "; the next try continues after \(kept) bytes" : ""),
        part.path)
    }
  }

  private func failed(_ reason: String, _ path: String) -> Failure {
    Failure(
      .unavailable, .downloadFailed, address,
      "\(reason); try again, or fetch it elsewhere and put it at \(path)"
        + (sha256.map { " (SHA-256 \($0))" } ?? ""))
  }
}

/// A request whose response is written to a file as it arrives.
private final class Transfer: NSObject, URLSessionDataDelegate {
  enum Interruption: Error {
    /// The server does not continue at the end of the file.
    case cannotContinue
    case failed(String)
    case tooLarge(Int)
  }

  private struct State {
    var continuation: CheckedContinuation<Void, any Error>?
    var error: (any Error)?
    /// The size of the whole file in bytes, if the server states it.
    var total: Int?
    var isAccepted = false
    var reported = ContinuousClock.now
  }

  private let state = Mutex(State())
  private let part: PartialFile
  private let offset: Int
  private let maximumSize: Int
  private let reporter: Reporter

  init(part: PartialFile, offset: Int, maximumSize: Int, reporter: Reporter) {
    (self.part, self.offset) = (part, offset)
    (self.maximumSize, self.reporter) = (maximumSize, reporter)
  }

  func start(_ task: URLSessionDataTask, _ continuation: CheckedContinuation<Void, any Error>) {
    state.withLock { $0.continuation = continuation }
    task.resume()
  }

  /// Refuses a redirection that leaves https or leads to a scheme other than http or https.
  func urlSession(
    _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection: HTTPURLResponse,
    newRequest request: URLRequest, completionHandler: @escaping (URLRequest?) -> Void
  ) {
    let old = task.originalRequest?.url?.scheme
    let new = request.url?.scheme
    completionHandler(new == "https" || new == "http" && old == "http" ? request : nil)
  }

  func urlSession(
    _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
    completionHandler: @escaping (URLSession.ResponseDisposition) -> Void
  ) {
    do {
      try accept(response)
      completionHandler(.allow)
    } catch {
      stop(dataTask, error)
      completionHandler(.cancel)
    }
  }

  private func accept(_ response: URLResponse) throws {
    guard let response = response as? HTTPURLResponse else { return }
    func header(_ name: String) -> String? { response.value(forHTTPHeaderField: name) }
    var total = header("Content-Length").flatMap { Int($0) }
    switch response.statusCode {
    case 200: try part.empty()
    case 206:
      // For example: bytes 100-199/200
      let range = (header("Content-Range") ?? "").split { " -/".contains($0) }
      guard range.count == 4, Int(range[1]) == offset else { throw Interruption.cannotContinue }
      total = Int(range[3])
    case 416 where offset > 0: throw Interruption.cannotContinue
    default: throw Interruption.failed("the server answered with status \(response.statusCode)")
    }
    if header("Content-Type")?.hasPrefix("text/html") ?? false {
      throw Interruption.failed("the server sent a web page instead of the file")
    }
    if let total, total > maximumSize { throw Interruption.tooLarge(total) }
    state.withLock {
      $0.total = total
      $0.isAccepted = true
    }
  }

  func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
    guard state.withLock({ $0.isAccepted && $0.error == nil }) else { return }
    do {
      let size = part.size + data.count
      guard size <= maximumSize else { throw Interruption.tooLarge(size) }
      try part.append(Array(data))
      report(size)
    } catch {
      stop(dataTask, error)
    }
  }

  private func report(_ size: Int) {
    let total = state.withLock { state -> Int? in
      guard let total = state.total, size <= total else { return nil }
      guard size == total || .now - state.reported > .milliseconds(100) else { return nil }
      state.reported = .now
      return total
    }
    guard let total else { return }
    reporter.progress(
      WorkProgress(activity: "downloading", done: size, total: total, unit: .bytes))
  }

  private func stop(_ task: URLSessionTask, _ error: any Error) {
    state.withLock { $0.error = $0.error ?? error }
    task.cancel()
  }

  func urlSession(
    _ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?
  ) {
    let (continuation, ownError, total, isAccepted) = state.withLock { state in
      defer { state.continuation = nil }
      return (state.continuation, state.error, state.total, state.isAccepted)
    }
    if let error = ownError ?? error {
      continuation?.resume(throwing: error)
    } else if !isAccepted {
      continuation?.resume(throwing: Interruption.failed("the server sent no usable response"))
    } else if let total, part.size != total {
      continuation?.resume(throwing: URLError(.networkConnectionLost))
    } else {
      continuation?.resume()
    }
  }
}
