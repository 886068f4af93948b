#if canImport(Glibc)
  import Glibc
#endif

/// Appends `bytes` to a file that others may append to as well, creating it if need be.
///
/// - Parameter largest: Bytes that the file may have then; with more nothing is written.
/// - Returns: Whether it was written.
/// - Throws: ``Failure`` `CannotCreate` (73), also for what is no regular file, or of the write.
public func append(_ bytes: [UInt8], to path: String, largest: Int = .max) throws(Failure) -> Bool {
  let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0o666)
  guard descriptor >= 0 else { throw Failure.system(errno, "append to", path, writing: true) }
  defer { close(descriptor) }
  var status = stat()
  guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
    throw Failure(.cannotCreate, "CannotCreate", path, "something that is no file is in the way")
  }
  guard Int(status.st_size) <= largest - bytes.count else { return false }
  var done = 0
  while done < bytes.count {
    let wrote = bytes.withUnsafeBytes {
      write(descriptor, $0.baseAddress.map { $0 + done }, $0.count - done)
    }
    if wrote < 0 && errno == EINTR { continue }
    guard wrote > 0 else { throw Failure.system(errno, "append to", path, writing: true) }
    done += wrote
  }
  return true
}
