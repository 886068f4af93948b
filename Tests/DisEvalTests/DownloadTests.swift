import DisEval
import Files
import Foundation
import References
import Synchronization
import Testing
import Work
import _TestSupport

/// Downloads from a server on the loopback interface.
@Suite("Downloads") struct DownloadTests {
  private typealias Response = LoopbackServer.Response

  /// 300,000 bytes and their SHA-256 (`sha256sum`).
  private static let content = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
  private let folder: TemporaryFolder
  private let path: String
  private let sha256: String

  init() throws {
    folder = try TemporaryFolder()
    path = folder.path("weights.bin")
    let copy = folder.path("content")
    try Data(Self.content).write(to: URL(fileURLWithPath: copy))
    sha256 = try Files.sha256(ofFile: copy)
    try FileManager.default.removeItem(atPath: copy)
  }

  private var files: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: folder.url.path) }
  }

  private func bytes(_ path: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: path)))
  }

  /// Fetches on a thread of its own: a minute is for the download alone.
  private func fetch(
    _ download: Download, to path: String, reporter: Reporter = .silent
  ) async throws -> String {
    try await limited(seconds: 60) { try await download.fetch(to: path, reporter: reporter) }
  }

  /// Expects a failure with that code, exit status and part of the message.
  private func expectFailure(
    _ code: String, _ status: Files.ExitStatus, _ part: String,
    sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
  ) async {
    let failure = await #expect(throws: Failure.self, sourceLocation: sourceLocation) {
      try await body()
    }
    #expect(failure?.code.rawValue == code, sourceLocation: sourceLocation)
    #expect(failure?.status == status, sourceLocation: sourceLocation)
    #expect(
      failure?.detail.contains(part) ?? false, "\(String(describing: failure))",
      sourceLocation: sourceLocation)
  }

  @Test func aFileArrivesWholeAndIsReported() async throws {
    let server = try LoopbackServer { .file(Self.content, $0) }
    let reports = Mutex<[WorkProgress]>([])
    let reporter = Reporter(
      progress: { report in reports.withLock { $0.append(report) } }, warn: { _ in })
    for known in [nil, sha256] {
      let hash = try await fetch(
        Download(address: server.address("/weights"), sha256: known), to: path, reporter: reporter)
      #expect(hash == sha256)
      #expect(try bytes(path) == Self.content)
      #expect(try files == ["weights.bin"])
    }
    let last = try #require(reports.withLock { $0.last })
    #expect(
      last == WorkProgress(activity: "downloading", done: 300_000, total: 300_000, unit: .bytes))
  }

  @Test func aCutConnectionIsContinued() async throws {
    let isFirst = Mutex(true)
    let server = try LoopbackServer { request in
      let cut = isFirst.withLock { first in
        defer { first = false }
        return first
      }
      return .file(Self.content, request, cutAfter: cut ? 100_000 : nil)
    }
    let download = Download(address: server.address("/weights"), sha256: sha256)
    await expectFailure("DownloadFailed", .unavailable, "continues after 100000 bytes") {
      _ = try await fetch(download, to: path)
    }
    #expect(try files == ["weights.bin.part"])
    #expect(try await fetch(download, to: path) == sha256)
    #expect(try bytes(path) == Self.content)
    #expect(try files == ["weights.bin"])
    #expect(server.requests.map(\.rangeStart) == [nil, 100_000])
  }

  /// A beginning nobody can check is not continued, and a server may ignore ranges.
  @Test("starting again", arguments: [true, false]) func startingAgain(isKnown: Bool) async throws {
    let server = try LoopbackServer { _ in Response(body: Self.content) }
    try Data([1, 2, 3]).write(to: URL(fileURLWithPath: path + ".part"))
    let download = Download(
      address: server.address("/weights"), sha256: isKnown ? sha256 : nil)
    #expect(try await fetch(download, to: path) == sha256)
    #expect(try bytes(path) == Self.content)
    #expect(server.requests.map(\.rangeStart) == [isKnown ? 3 : nil])
  }

  /// What is left of another run is as long as the file, longer, or answered with another range.
  @Test("beginnings that cannot be continued", arguments: [300_000, 300_001, 10])
  func cannotContinue(count: Int) async throws {
    let server = try LoopbackServer { request in
      guard count == 10, request.rangeStart != nil else { return .file(Self.content, request) }
      return Response(
        status: 206, headers: ["Content-Range": "bytes 11-299999/300000"],
        body: Array(Self.content[11...]))
    }
    try Data(count: count).write(to: URL(fileURLWithPath: path + ".part"))
    let download = Download(address: server.address("/weights"), sha256: sha256)
    #expect(try await fetch(download, to: path) == sha256)
    #expect(server.requests.map(\.rangeStart) == [count, nil])
  }

  @Test func wrongBytesAreRefusedAndRemoved() async throws {
    let server = try LoopbackServer { .file(Self.content.reversed(), $0) }
    try Data("old".utf8).write(to: URL(fileURLWithPath: path))
    await expectFailure("HashMismatch", .dataRefused, sha256) {
      _ = try await fetch(Download(address: server.address("/weights"), sha256: sha256), to: path)
    }
    #expect(try files == ["weights.bin"])
    #expect(try bytes(path) == Array("old".utf8))
  }

  @Test func redirectionsAreFollowed() async throws {
    let server = try LoopbackServer { request in
      request.path == "/weights"
        ? Response(status: 302, headers: ["Location": "/elsewhere"]) : .file(Self.content, request)
    }
    try Data(Self.content[..<1000]).write(to: URL(fileURLWithPath: path + ".part"))
    let download = Download(address: server.address("/weights"), sha256: sha256)
    #expect(try await fetch(download, to: path) == sha256)
    #expect(server.requests.map(\.path) == ["/weights", "/elsewhere"])
    #expect(server.requests.last?.rangeStart == 1000)
  }

  @Test("redirections that are not followed", arguments: ["file:///etc/passwd", "/weights"])
  func badRedirections(location: String) async throws {
    let server = try LoopbackServer { _ in Response(status: 302, headers: ["Location": location]) }
    await expectFailure("DownloadFailed", .unavailable, path) {
      _ = try await fetch(Download(address: server.address("/weights"), sha256: nil), to: path)
    }
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  @Test("statuses", arguments: [404, 500, 403]) func statuses(status: Int) async throws {
    let server = try LoopbackServer { _ in
      Response(status: status, body: Array("Go away".utf8))
    }
    await expectFailure("DownloadFailed", .unavailable, "status \(status)") {
      _ = try await fetch(Download(address: server.address("/weights"), sha256: sha256), to: path)
    }
    await expectFailure("DownloadFailed", .unavailable, sha256) {
      _ = try await fetch(Download(address: server.address("/weights"), sha256: sha256), to: path)
    }
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  @Test("a page instead of a file", arguments: ["text/html; charset=utf-8", "text/plain"])
  func aPage(type: String) async throws {
    let server = try LoopbackServer { _ in
      Response(
        headers: ["Content-Type": type], body: Array("\n<!DOCTYPE html>\n<p>Sign in.".utf8))
    }
    await expectFailure("DownloadFailed", .unavailable, "web page") {
      _ = try await fetch(Download(address: server.address("/weights"), sha256: nil), to: path)
    }
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  /// Announced, or not announced but sent.
  @Test("too many bytes", arguments: [true, false]) func tooManyBytes(announced: Bool) async throws
  {
    let server = try LoopbackServer { _ in
      Response(headers: announced ? [:] : ["Content-Length": ""], body: Self.content)
    }
    var download = Download(address: server.address("/weights"), sha256: nil)
    download.maximumSize = 299_999
    await expectFailure("DownloadLimit", .dataRefused, "299999") { [download] in
      _ = try await fetch(download, to: path)
    }
    #expect(try files.isEmpty)
  }

  @Test func nobodyListens() async throws {
    let address = try LoopbackServer { _ in Response() }.address("/weights")
    await expectFailure("DownloadFailed", .unavailable, path) {
      _ = try await fetch(Download(address: address, sha256: sha256), to: path)
    }
  }

  @Test("addresses", arguments: ["weights.pth", "file:///etc/passwd", "ftp://a/b", "http://", ""])
  func addresses(address: String) async throws {
    await expectFailure("AddressInvalid", .usage, "http") {
      _ = try await fetch(Download(address: address, sha256: nil), to: path)
    }
    #expect(try files.isEmpty)
  }

  @Test func oneProcessWritesAFile() async throws {
    let held = try PartialFile(path: path)
    await expectFailure("Busy", .cannotCreate, "writes it; wait") {
      _ = try await fetch(Download(address: "http://127.0.0.1:1/", sha256: nil), to: path)
    }
    _ = held
  }

  @Test func curlIsMissing() async throws {
    var download = Download(address: "http://127.0.0.1:1/", sha256: sha256)
    download.curl = nil
    await expectFailure("CurlMissing", .unavailable, "apt-get install curl") { [download] in
      _ = try await fetch(download, to: path)
    }
    await expectFailure("CurlMissing", .unavailable, path) { [download] in
      _ = try await fetch(download, to: path)
    }
    #expect(try files.isEmpty)
  }

  @Test func curlCannotBeStarted() async throws {
    var download = Download(address: "http://127.0.0.1:1/", sha256: nil)
    download.curl = folder.path("curl")
    await expectFailure("DownloadFailed", .unavailable, "cannot be started") { [download] in
      _ = try await fetch(download, to: path)
    }
    #expect(try files.isEmpty)
  }

  /// Headers can follow a body that is sent in pieces, and are not a part of it.
  @Test func headersAfterTheBody() async throws {
    let server = try LoopbackServer { _ in
      Response(
        headers: ["Content-Length": "", "Transfer-Encoding": "chunked", "Trailer": "X-After"],
        body: Array("5\r\nhello\r\n0\r\nX-After: curl: (9) text\r\n\r\n".utf8))
    }
    _ = try await fetch(Download(address: server.address("/weights"), sha256: nil), to: path)
    #expect(try bytes(path) == Array("hello".utf8))
  }

  @Test func patternsAreNotExpanded() async throws {
    let server = try LoopbackServer { _ in Response(body: [1]) }
    let address = server.address("/weights%7B1,2%7D?part=[1-3]&-o=x")
    _ = try await fetch(Download(address: address, sha256: nil), to: path)
    #expect(server.requests.count == 1)
  }

  @Test("arguments of curl", arguments: ["http", "https"]) func curlArguments(scheme: String) throws
  {
    let url = try #require(URL(string: "\(scheme)://-o/--config"))
    let arguments = Transfer.arguments(for: url, from: 7)
    let schemes = scheme == "https" ? "=https" : "=http,https"
    #expect(arguments.first == "--disable")
    #expect(arguments.suffix(2) == ["--url", "\(scheme)://-o/--config"])
    for option in ["--proto", "--proto-redir"] {
      let index = try #require(arguments.firstIndex(of: option))
      #expect(arguments[index + 1] == schemes)
    }
    #expect(arguments.contains("7-"))
  }

  @Test func aMissingFolder() async throws {
    await expectFailure("CannotCreate", .cannotCreate, "No such file") {
      _ = try await fetch(
        Download(address: "http://127.0.0.1:1/", sha256: nil), to: folder.path("none/weights"))
    }
  }
}
