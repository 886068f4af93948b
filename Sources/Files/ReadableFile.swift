#if canImport(Glibc)
  import Glibc
#endif

/// A regular file opened for reading at any position.
///
/// Untrusted files are never mapped into memory: a file truncated while mapped kills the process,
/// whereas a short `pread` is an error that can be reported.
package final class ReadableFile: Sendable {
  /// The path as given.
  package let path: String
  /// The size in bytes at the time the file was opened.
  package let size: Int
  private let descriptor: Int32

  /// Opens the file at `path`.
  ///
  /// - Throws: ``Failure`` `NotFound` (66) if there is no file, `PermissionDenied` (77),
  ///   `NotARegularFile` (65) if `path` is a folder, a pipe or a device, or `InputOutput` (74) for
  ///   other errors of the system.
  package convenience init(path: String) throws(Failure) {
    try self.init(descriptor: open(path, Self.openFlags), path: path)
  }

  /// O_NONBLOCK prevents the opening of a FIFO from blocking.
  static let openFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK

  /// Takes ownership of `descriptor`, the result of a preceding call to `open`.
  init(descriptor: Int32, path: String) throws(Failure) {
    guard descriptor >= 0 else { throw Failure.system(errno, "open", path) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      let error = errno
      close(descriptor)
      throw Failure.system(error, "stat", path)
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw Failure(.dataRefused, .notARegularFile, path, "expected a regular file")
    }
    self.path = path
    self.size = Int(status.st_size)
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  /// Asks the system to read the file into its cache, without waiting for it.
  package func prefetch() {
    #if canImport(Glibc)
      _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_WILLNEED)
    #endif
  }

  /// Reads a range of bytes, all of them or none.
  ///
  /// - Parameters:
  ///   - offset: The position of the first byte, from 0.
  ///   - count: The number of bytes to read, at least 0.
  /// - Throws: ``Failure`` `Truncated` (65) if the file ends before that, `OutOfMemory` (71) if the
  ///   system refuses the memory for them, `InputOutput` (74) if reading fails.
  package func bytes(at offset: Int, count: Int) throws(Failure) -> [UInt8] {
    guard offset >= 0, count >= 0, offset <= size, count <= size - offset else {
      throw Failure(
        .dataRefused, .truncated, path,
        "\(count) bytes at offset \(offset) are needed, the file has \(size)")
    }
    try checkMemory(count, path)
    var failure: Failure?
    let result = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      while initialized < count {
        let got = pread(
          descriptor, buffer.baseAddress.map { $0 + initialized }, count - initialized,
          off_t(offset + initialized))
        if got < 0 && errno == EINTR { continue }
        if got < 0 {
          failure = Failure.system(errno, "read", path)
          return
        }
        if got == 0 {
          failure = Failure(
            .dataRefused, .truncated, path, "the file became shorter while it was read")
          return
        }
        initialized += got
      }
    }
    if let failure { throw failure }
    return result
  }
}

extension Failure {
  /// Returns the failure that corresponds to the `errno` of a system call.
  ///
  /// | `errno` | reading | writing |
  /// |---|---|---|
  /// | `ENOENT`, `ENOTDIR` | `NotFound` (66) | `CannotCreate` (73) |
  /// | `EACCES`, `EPERM`, `EROFS` | `PermissionDenied` (77) | `CannotCreate` (73) |
  /// | `EISDIR`, `EEXIST`, `ELOOP`, `ENAMETOOLONG` | `NotARegularFile` (65) | `CannotCreate` (73) |
  /// | `ENOMEM` | `OutOfMemory` (71) | `OutOfMemory` (71) |
  /// | `ENOSPC`, `EDQUOT`, `EFBIG` | `DiskFull` (74) | `DiskFull` (74) |
  /// | any other | `InputOutput` (74) | `InputOutput` (74) |
  ///
  /// - Parameters:
  ///   - error: The `errno`.
  ///   - call: The name of the system call, for the message.
  ///   - path: The file concerned.
  ///   - writing: Whether an output was being created.
  package static func system(
    _ error: Int32, _ call: String, _ path: String, writing: Bool = false
  ) -> Failure {
    let reason = "\(call): \(String(cString: strerror(error)))"
    switch error {
    case ENOENT, ENOTDIR:
      return writing
        ? Failure(.cannotCreate, .cannotCreate, path, reason)
        : Failure(.inputMissing, .notFound, path, reason)
    case EACCES, EPERM, EROFS:
      return writing
        ? Failure(.cannotCreate, .cannotCreate, path, reason)
        : Failure(.permissionDenied, .permissionDenied, path, reason)
    case EISDIR, EEXIST, ELOOP, ENAMETOOLONG, ENXIO:
      return writing
        ? Failure(.cannotCreate, .cannotCreate, path, reason)
        : Failure(.dataRefused, .notARegularFile, path, reason)
    case ENOMEM: return Failure(.outOfMemory, .outOfMemory, path, reason)
    case ENOSPC, EDQUOT, EFBIG: return Failure(.inputOutput, .diskFull, path, reason)
    default: return Failure(.inputOutput, .inputOutput, path, reason)
    }
  }
}
