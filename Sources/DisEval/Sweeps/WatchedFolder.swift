import Checkpoints
import Files
import Foundation
import Work

/// A folder that training writes checkpoints into.
struct WatchedFolder {
  private struct Look {
    var size: Int
    var modified: Date
    /// Looks since then.
    var count = 0
    var isDone = false
    /// Whether it was said that it does not open.
    var isReported = false
  }

  private static let extensions: Set = ["pt", "pth", "ckpt", "bin", "safetensors"]

  let path: String
  private var files: [String: Look] = [:]

  init(path: String) { self.path = path }

  /// Looks, and gives the files that have not changed for two looks and open, by step and name.
  ///
  /// - Throws: `Failure` when the folder cannot be listed.
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

  /// Says that a file needs no other look until it changes.
  mutating func isDone(_ file: String) { files[file]?.isDone = true }
}
