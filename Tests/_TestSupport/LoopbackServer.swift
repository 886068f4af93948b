import Foundation
import Synchronization

/// An HTTP server on the loopback interface that answers as a test wants it to, one connection at a
/// time.
package final class LoopbackServer: Sendable {
  /// A request: its path, and its headers in lower case.
  package struct Request: Sendable {
    package let path: String
    package let headers: [String: String]

    /// Where the range asked for begins, `bytes=100-`.
    package var rangeStart: Int? {
      headers["range"].flatMap { Int($0.drop { $0 != "=" }.dropFirst().dropLast()) }
    }
  }

  /// What to answer.
  package struct Response: Sendable {
    package var status = 200
    /// An empty `Content-Length` leaves that header out.
    package var headers: [String: String] = [:]
    package var body: [UInt8] = []
    /// Bytes of the body to send before the connection is cut.
    package var cutAfter: Int?

    package init(
      status: Int = 200, headers: [String: String] = [:], body: [UInt8] = [], cutAfter: Int? = nil
    ) {
      (self.status, self.headers, self.body, self.cutAfter) = (status, headers, body, cutAfter)
    }

    /// The whole of `body`, or the range asked for.
    package static func file(
      _ body: [UInt8], _ request: Request, cutAfter: Int? = nil
    ) -> Response {
      guard let start = request.rangeStart else { return Response(body: body, cutAfter: cutAfter) }
      guard start < body.count else { return Response(status: 416) }
      return Response(
        status: 206,
        headers: ["Content-Range": "bytes \(start)-\(body.count - 1)/\(body.count)"],
        body: Array(body[start...]), cutAfter: cutAfter)
    }
  }

  /// The address of `path`.
  package func address(_ path: String) -> String { "http://127.0.0.1:\(port)\(path)" }

  /// Requests so far.
  package var requests: [Request] { received.withLock { $0 } }

  private let port: UInt16
  private let listener: Int32
  private let received: Mutex<[Request]>
  private let answer: @Sendable (Request) -> Response

  /// Listens on a free port.
  package init(_ answer: @escaping @Sendable (Request) -> Response) throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) == 0 && listen(listener, 8) == 0
          && getsockname(listener, $0, &length) == 0
      }
    }
    guard bound else { throw POSIXError(.EADDRNOTAVAIL) }
    port = UInt16(bigEndian: address.sin_port)
    self.listener = listener
    self.answer = answer
    received = Mutex([])
    Thread.detachNewThread { [weak self] in
      while true {
        let connection = accept(listener, nil, nil)
        guard connection >= 0, let self else { return }
        self.serve(connection)
        close(connection)
      }
    }
  }

  deinit {
    shutdown(listener, Int32(SHUT_RDWR))
    close(listener)
  }

  private func serve(_ connection: Int32) {
    var text: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while text.suffix(4) != Array("\r\n\r\n".utf8)[...] {
      let count = recv(connection, &buffer, buffer.count, 0)
      guard count > 0, text.count < 1 << 16 else { return }
      text += buffer[..<count]
    }
    let lines = String(decoding: text, as: UTF8.self).split(separator: "\r\n")
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2 else { continue }
      headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
    }
    let request = Request(
      path: lines[0].split(separator: " ").dropFirst().first.map(String.init) ?? "",
      headers: headers)
    received.withLock { $0.append(request) }

    let response = answer(request)
    var head = "HTTP/1.1 \(response.status) Status\r\nConnection: close\r\n"
    if response.headers["Content-Length"] == nil {
      head += "Content-Length: \(response.body.count)\r\n"
    }
    for (name, value) in response.headers where !value.isEmpty { head += "\(name): \(value)\r\n" }
    let bytes = Array("\(head)\r\n".utf8) + response.body.prefix(response.cutAfter ?? .max)
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        send(
          connection, $0.baseAddress.map { $0 + sent }, $0.count - sent, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return }
      sent += count
    }
  }
}
