import Checkpoints
import Crypto
import Files
import Foundation
import Results

/// The SHA-256s of files, cached with what shows whether a file has been written since.
package struct ContentHashes {
  /// The state of a file. If any field changes, the file is hashed again.
  private struct State: Codable, Equatable {
    var size: Int
    var device: UInt64
    var inode: UInt64
    var modifiedNanoseconds: Int
  }
  private struct Known: Codable {
    var state: State
    var sha256: String
  }
  private struct Document: Codable {
    var schema = "dis-eval-hashes/1"
    var files: [String: Known] = [:]
  }

  private let path: String?
  private var document = Document()

  /// - Parameter path: The path of the cache; a missing or invalid file is replaced.
  package init(path: String?) {
    self.path = path
    guard let path, let file = try? ReadableFile(path: path), file.size <= 64 << 20,
      let bytes = try? file.bytes(at: 0, count: file.size),
      (try? checkUniqueKeys(bytes, exactly: true)) != nil,
      let document = try? JSONDecoder().decode(Document.self, from: Data(bytes)),
      document.schema == self.document.schema
    else { return }
    self.document = document
  }

  /// Returns the SHA-256 of a file's contents; for a folder, one over the names and contents of its
  /// files.
  mutating func sha256(_ path: String, recursive: Bool = false) throws -> String {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue
    else { return try ofFile(path) }
    var hash = SHA256()
    for name in try Folder(path: path, recursive: recursive).names {
      let file = "\(path)/\(String(decoding: name, as: UTF8.self))"
      // A subfolder or anything else that is not a regular file is not an image.
      guard let content = try? ofFile(file) else { continue }
      hash.update(data: name + [0] + Array(content.utf8))
    }
    return hexadecimal(hash.finalize())
  }

  /// Returns the SHA-256 of a checkpoint of one or several files.
  mutating func sha256(ofCheckpoint path: String) throws -> String {
    let paths = try pathsOfCheckpoint(path)
    guard paths.count > 1 else { return try ofFile(path) }
    let hashes = try paths.map { ($0, try ofFile($0)) }
    return hashOfLines(hashes)
  }

  private mutating func ofFile(_ path: String) throws -> String {
    let key = absolutePath(path)
    let before = try Self.state(of: path)
    if let known = document.files[key], known.state == before { return known.sha256 }
    let sha256 = try Files.sha256(ofFile: path)
    // A file that is being written can change again without a different time stamp.
    let age = Date().timeIntervalSince1970 - Double(before.modifiedNanoseconds) / 1e9
    if age > 2, try Self.state(of: path) == before {
      document.files[key] = Known(state: before, sha256: sha256)
    }
    return sha256
  }

  /// Writes the cache.
  func save() throws {
    guard let path else { return }
    try AtomicFile.write(encodedJSON(document, keys: .useDefaultKeys), to: path)
  }

  private static func state(of path: String) throws(Failure) -> State {
    var status = stat()
    guard stat(path, &status) == 0 else { throw Failure.system(errno, "stat", path) }
    return State(
      size: Int(status.st_size), device: UInt64(status.st_dev), inode: UInt64(status.st_ino),
      modifiedNanoseconds: Int(status.st_mtim.tv_sec) * 1_000_000_000
        + Int(status.st_mtim.tv_nsec))
  }
}
