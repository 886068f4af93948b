#if canImport(Glibc)
  import Glibc
#endif

/// A file that may take several runs to write: it grows as `<path>.part`, and gets its own name when
/// it is whole.
///
/// Unlike ``AtomicFile`` it survives an interruption, to be continued. One process at a time holds it.
/// Links, and owner and mode of a file that is replaced, are kept as there.
package final class PartialFile: Sendable {
  /// The final path.
  package let path: String
  /// Where it grows.
  package let temporaryPath: String
  /// The path at the end of all links.
  private let final: String
  private let descriptor: Int32

  /// Opens what an earlier run has left, or begins.
  ///
  /// - Throws: ``Failure`` `Busy` while another process writes it, or `cannotCreate`.
  package init(path: String) throws(Failure) {
    guard case .file(let final, let existing) = try OutputTarget(path) else {
      throw Failure(
        .cannotCreate, "CannotCreate", path, "is a pipe or a device, expected the path of a file")
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
        .cannotCreate, "CannotCreate", temporaryPath, "something that is not a file is in the way")
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      close(descriptor)
      throw Failure(
        .cannotCreate, "Busy", temporaryPath, "another process writes it; wait for that one")
    }
    if let existing { keepOwnerAndMode(of: existing, on: descriptor) }
    (self.path, self.temporaryPath, self.descriptor) = (path, temporaryPath, descriptor)
    self.final = final
  }

  deinit { close(descriptor) }

  /// Lets others have it, before the last reference goes away.
  package func release() { flock(descriptor, LOCK_UN) }

  /// Bytes written so far, those of earlier runs included.
  package var size: Int {
    var status = stat()
    return fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
  }

  /// Appends `bytes`.
  package func append(_ bytes: [UInt8]) throws(Failure) {
    let error = bytes.withUnsafeBytes { writeAll($0, to: descriptor) }
    guard error == 0 else { throw Failure.system(error, "write", temporaryPath, writing: true) }
  }

  /// Begins again.
  package func empty() throws(Failure) {
    guard ftruncate(descriptor, 0) == 0 else {
      throw Failure.system(errno, "truncate", temporaryPath, writing: true)
    }
  }

  /// Removes what was written.
  package func remove() { unlink(temporaryPath) }

  /// Syncs and gives the file its name.
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
