import Checkpoints
import Files
import Foundation
import Work

/// A folder to which training writes checkpoints.
struct WatchedFolder {
  private struct Look {
    var size: Int
    var modified: Date
    /// The number of checks since then.
    var count = 0
    var isDone = false
    /// Whether it was reported that the file cannot be opened.
    var isReported = false
  }

  private static let extensions: Set = ["pt", "pth", "ckpt", "bin", "safetensors"]

  let path: String
  private var files: [String: Look] = [:]

  init(path: String) { self.path = path }

  /// Returns the files that can be opened and are unchanged in two consecutive checks, by step and
  /// name.
  ///
  /// - Throws: `Failure` if the folder cannot be listed.
  mutating func still(reporter: Reporter) throws -> [String] {
    var found: Set<String> = []
    var ready: [String] = []
    for bytes in try Folder(path: path).names {
      let name = String(decoding: bytes, as: UTF8.self)
      guard let dot = name.lastIndex(of: "."), dot > name.startIndex,
        Self.extensions.contains(String(name[name.index(after: dot)...]).lowercased()),
        !name.hasPrefix("."),
        let attributes = try? FileManager.default.attributesOfItem(atPath: "\(path)/\(name)"),
        let size = attributes[.size] as? Int, let modified = attributes[.modificationDate] as? Date
      else { continue }
      let file = "\(path)/\(name)"
      found.insert(file)
      guard var look = files[file], look.size == size, look.modified == modified else {
        files[file] = Look(size: size, modified: modified)
        continue
      }
      look.count += 1
      if look.count >= 2, !look.isDone {
        do {
          _ = try CheckpointFile.open(file)
          ready.append(file)
        } catch {
          if !look.isReported { reporter.note("not taken yet: \(error)") }
          look.isReported = true
        }
      }
      files[file] = look
    }
    files = files.filter { found.contains($0.key) }
    return ready.sorted {
      (SweepCheckpoint.step(inFileName: $0) ?? -1, $0)
        < (SweepCheckpoint.step(inFileName: $1) ?? -1, $1)
    }
  }

  /// Marks a file as done until it changes.
  mutating func isDone(_ file: String) { files[file]?.isDone = true }
}
