import Files

#if canImport(Glibc)
  import Glibc
#endif

/// A folder of images that is being written.
///
/// It has a hidden file until all images are there. The writer keeps a lock on that file; a file without a lock
/// was left by a writer that failed or was killed.
package final class UnfinishedFolder {
  /// The name of the hidden file.
  package static let mark = ".dis-eval-unfinished"
  private let folder: String
  private let lock: ClaimFile

  /// Returns whether a path is that of the hidden file of a folder.
  static func isMark(_ path: [UInt8]) -> Bool {
    path.split(separator: UInt8(ascii: "/")).last?.elementsEqual(mark.utf8) ?? false
  }

  /// Creates the folder, or begins again in one that a writer left unfinished, whose images are removed.
  ///
  /// - Parameters:
  ///   - path: The path of the folder.
  ///   - isOwn: Whether a name is one that the writer gives to an image.
  /// - Throws: `Failure` (73) `NotEmpty` if the folder has files that no unfinished writer left, `Busy` if a
  ///   process writes images to it, or `CannotCreate`; `DiskFull` or `InputOutput` (74) if a system call
  ///   fails in that way.
  package init(_ path: String, isOwn: (String) -> Bool) throws(Failure) {
    try Folder.create(path)
    let names: [String]
    do {
      names = try Folder(path: path).names.map { String(decoding: $0, as: UTF8.self) }
    } catch {
      throw Failure(
        .cannotCreate, .cannotCreate, path,
        "the folder cannot be listed, and so may not be empty; give a new or an empty one")
    }
    let others = names.filter { $0 != Self.mark }
    guard others.isEmpty || names.count > others.count && others.allSatisfy(isOwn) else {
      throw Failure(
        .cannotCreate, .notEmpty, path,
        "the folder has \(names.count) entries; give a new or an empty one")
    }
    folder = path
    lock = try ClaimFile(path: "\(path)/\(Self.mark)")
    guard try lock.claim(0) else {
      throw Failure(
        .cannotCreate, .busy, path,
        "\(holders(of: lock.path)) writes images to it; wait for that one")
    }
    for name in others where unlink("\(path)/\(name)") != 0 {
      throw Failure.system(errno, "remove", "\(path)/\(name)", writing: true)
    }
  }

  /// A writer that fails before its first image leaves no hidden file.
  deinit {
    if let names = try? Folder(path: folder).names, names.count == 1, Self.isMark(names[0]) {
      unlink(lock.path)
    }
  }

  /// Removes the hidden file, because all images are there.
  ///
  /// - Throws: `Failure` `CannotCreate` (73) or `InputOutput` (74) if it cannot be removed.
  package func finish() throws(Failure) {
    guard unlink(lock.path) == 0 else {
      throw Failure.system(errno, "remove", lock.path, writing: true)
    }
  }
}
