#if canImport(Glibc)
  import Glibc
#endif

/// A regular file opened for reading by position.
///
/// Nothing untrusted is mapped into memory: a file truncated while mapped kills the process, a
/// short `pread` is an error that can be reported.
public final class ReadableFile: Sendable {
  /// The path as given.
  public let path: String
  /// The size in bytes when the file was opened.
  public let size: Int
  private let descriptor: Int32

  /// Opens `path`.
  ///
  /// - Throws: ``Failure`` with `inputMissing`, `permissionDenied`, `inputOutput`, or `dataRefused`
  ///   when `path` is not a regular file.
  public convenience init(path: String) throws(Failure) {
    try self.init(descriptor: open(path, Self.openFlags), path: path)
  }

  /// O_NONBLOCK: opening a FIFO must not hang.
  static let openFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK

  /// Owns `descriptor`, the result of an `open` just made.
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
      throw Failure(.dataRefused, "NotARegularFile", path, "expected a regular file")
    }
    self.path = path
    self.size = Int(status.st_size)
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  /// Has the system read the file into its cache, without waiting for that.
  public func prefetch() {
    #if canImport(Glibc)
      _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_WILLNEED)
    #endif
  }

  /// Reads exactly `count` bytes at `offset`.
  ///
  /// - Throws: ``Failure`` `Truncated` when the file ends before, `inputOutput` on a read error.
  public func bytes(at offset: Int, count: Int) throws(Failure) -> [UInt8] {
    guard offset >= 0, count >= 0, offset <= size, count <= size - offset else {
      throw Failure(
        .dataRefused, "Truncated", path,
        "\(count) bytes at offset \(offset) are needed, the file has \(size)")
    }
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
            .dataRefused, "Truncated", path, "the file became shorter while it was read")
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
  /// The failure that a system call's `errno` stands for.
  ///
  /// - Parameter writing: Whether an output was being made; a missing folder is then 73, not 66.
  public static func system(
    _ error: Int32, _ call: String, _ path: String, writing: Bool = false
  ) -> Failure {
    let reason = "\(call): \(String(cString: strerror(error)))"
    switch error {
    case ENOENT, ENOTDIR:
      return writing
        ? Failure(.cannotCreate, "CannotCreate", path, reason)
        : Failure(.inputMissing, "NotFound", path, reason)
    case EACCES, EPERM, EROFS:
      return writing
        ? Failure(.cannotCreate, "CannotCreate", path, reason)
        : Failure(.permissionDenied, "PermissionDenied", path, reason)
    case EISDIR, EEXIST, ELOOP, ENAMETOOLONG:
      return writing
        ? Failure(.cannotCreate, "CannotCreate", path, reason)
        : Failure(.dataRefused, "NotARegularFile", path, reason)
    case ENOMEM: return Failure(.outOfMemory, "OutOfMemory", path, reason)
    case ENOSPC, EDQUOT, EFBIG: return Failure(.inputOutput, "DiskFull", path, reason)
    default: return Failure(.inputOutput, "InputOutput", path, reason)
    }
  }
}
