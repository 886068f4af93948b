import Files
import Foundation
import Work

/// A download of weights or statistics from a public server, made by the program `curl`.
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
  /// The path of the program `curl`, or nil if it is not installed.
  package var curl: String?

  /// Describes a download without starting it.
  package init(address: String, sha256: String?) {
    (self.address, self.sha256) = (address, sha256)
    curl = installedProgram("curl")
  }

  /// Downloads the file to `path`, replacing an existing file.
  ///
  /// - Parameters:
  ///   - path: The file to write.
  ///   - reporter: Receives the progress in bytes.
  /// - Returns: The SHA-256 of the file.
  /// - Throws: `Failure` `AddressInvalid` (64) if the address is not one of http or https;
  ///   `CurlMissing` or `DownloadFailed` (69) with what to do by hand; `DownloadLimit` or
  ///   `HashMismatch` (65), after which nothing is kept; `Busy` or `CannotCreate` (73), `DiskFull`
  ///   or `InputOutput` (74) if the file cannot be written.
  package func fetch(to path: String, reporter: Reporter) async throws -> String {
    guard let url = URL(string: address), let scheme = url.scheme, let host = url.host,
      ["http", "https"].contains(scheme), !host.isEmpty
    else { throw Failure(.usage, .addressInvalid, address, "expected one of http or https") }
    guard let curl else {
      throw failed(
        "the program curl, which downloads, is not on the PATH; run 'apt-get install curl'", path,
        code: .curlMissing)
    }
    let part = try PartialFile(path: path)
    defer {
      if part.size == 0 { part.remove() }
      part.release()
    }
    if sha256 == nil { try part.empty() }
    do {
      try await transfer(url, curl, part, reporter)
    } catch Transfer.Interruption.cannotContinue {
      try part.empty()
      try await transfer(url, curl, part, reporter)
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

  private func transfer(
    _ url: URL, _ curl: String, _ part: PartialFile, _ reporter: Reporter
  ) async throws {
    let transfer = Transfer(of: url, to: part, maximumSize: maximumSize, reporter: reporter)
    do {
      try await transfer.run(curl)
    } catch Transfer.Interruption.failed(let reason) {
      throw failed(reason, part.path)
    } catch Transfer.Interruption.tooLarge(let count) {
      part.remove()
      throw Failure(
        .dataRefused, .downloadLimit, address,
        "\(count) bytes or more, expected at most \(maximumSize)")
    } catch Transfer.Interruption.connection(let reason) {
      let kept = part.size
      throw failed(
        reason
          + (sha256 != nil && kept > 0 ? "; the next try continues after \(kept) bytes" : ""),
        part.path)
    }
  }

  private func failed(
    _ reason: String, _ path: String, code: Failure.Code = .downloadFailed
  ) -> Failure {
    Failure(
      .unavailable, code, address,
      "\(reason); try again, or fetch it elsewhere and put it at \(path)"
        + (sha256.map { " (SHA-256 \($0))" } ?? ""))
  }
}
