#if canImport(Glibc)
  import Glibc
#endif

/// A file that may take several runs to write. It grows as `<path>.part` and gets its own name once
/// it is complete.
///
/// Unlike ``AtomicFile``, it survives an interruption and can be continued. One process at a time
/// holds it. Links, and the owner and mode of a replaced file, are kept as by ``AtomicFile``.
package final class PartialFile: Sendable {
  /// The final path.
  package let path: String
  /// The path of the incomplete file.
  package let temporaryPath: String
  /// The path at the end of all links.
  private let final: String
  private let descriptor: Int32

  /// Opens the incomplete file that an earlier run left, or creates it.
  ///
  /// - Throws: ``Failure`` (73) `Busy` if a different process is writing the file, `CannotCreate`
  ///   if it cannot be created or is not a regular file.
  package init(path: String) throws(Failure) {
    guard case .file(let final, let existing) = try OutputTarget(path) else {
      throw Failure(
        .cannotCreate, .cannotCreate, path, "is a pipe or a device, expected the path of a file")
    }
    let temporaryPath = final + ".part"
    let descriptor = open(
      temporaryPath, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o666)
    guard descriptor >= 0 else {
      throw Failure.system(errno, "create", temporaryPath, writing: true)
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw Failure(
        .cannotCreate, .cannotCreate, temporaryPath, "something that is not a file is in the way")
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      close(descriptor)
      throw Failure(
        .cannotCreate, .busy, temporaryPath,
        "\(holders(of: temporaryPath)) writes it; wait for that one")
    }
    if let existing { keepOwnerAndMode(of: existing, on: descriptor) }
    (self.path, self.temporaryPath, self.descriptor) = (path, temporaryPath, descriptor)
    self.final = final
  }

  deinit { close(descriptor) }

  /// Releases the lock on the file before the last reference is dropped.
  package func release() { flock(descriptor, LOCK_UN) }

  /// The number of bytes written so far, including those of earlier runs.
  package var size: Int {
    var status = stat()
    return fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
  }

  /// Appends bytes to the incomplete file.
  ///
  /// - Parameter bytes: The bytes, of any number.
  /// - Throws: ``Failure`` `DiskFull` or `InputOutput` (74) if writing fails.
  package func append(_ bytes: [UInt8]) throws(Failure) {
    let error = bytes.withUnsafeBytes { writeAll($0, to: descriptor) }
    guard error == 0 else { throw Failure.system(error, "write", temporaryPath, writing: true) }
  }

  /// Discards everything written so far.
  ///
  /// - Throws: ``Failure`` `InputOutput` (74) if the file cannot be truncated.
  package func empty() throws(Failure) {
    guard ftruncate(descriptor, 0) == 0 else {
      throw Failure.system(errno, "truncate", temporaryPath, writing: true)
    }
  }

  /// Removes the incomplete file.
  package func remove() { unlink(temporaryPath) }

  /// Syncs the file and gives it its name.
  ///
  /// - Throws: ``Failure`` `CannotCreate` (73) if it cannot be renamed, `DiskFull` or `InputOutput`
  ///   (74) if syncing fails.
  package func commit() throws(Failure) {
    guard fsync(descriptor) == 0 else {
      throw Failure.system(errno, "sync", temporaryPath, writing: true)
    }
    guard rename(temporaryPath, final) == 0 else {
      throw Failure.system(errno, "rename", path, writing: true)
    }
    try AtomicFile.syncFolder(of: final)
  }
}
