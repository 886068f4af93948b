#if canImport(Glibc)
  import Glibc
#endif

/// Appends `bytes` to a file that other processes may append to as well, creating it if necessary.
/// Pipes, devices and descriptors such as `/dev/stdout` are written to directly.
///
/// - Parameters:
///   - bytes: The bytes to append.
///   - path: The file to append to.
///   - largest: The largest size of the file in bytes after appending. If it would be exceeded,
///     nothing is written.
/// - Returns: Whether the bytes were written.
/// - Throws: ``Failure`` `CannotCreate` (73) if the path cannot be opened for writing, or the
///   failure of the system call (see ``Failure/system(_:_:_:writing:)``) if writing fails.
package func append(_ bytes: [UInt8], to path: String, largest: Int = .max) throws(Failure) -> Bool
{
  let descriptor: Int32
  switch try OutputTarget(path) {
  case .file:
    descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0o666)
  case .stream: descriptor = try OutputTarget.openStream(path)
  case .descriptor(let number): descriptor = fcntl(number, F_DUPFD_CLOEXEC, 3)
  }
  guard descriptor >= 0 else { throw Failure.system(errno, "append to", path, writing: true) }
  defer { close(descriptor) }
  var status = stat()
  guard fstat(descriptor, &status) == 0 else {
    throw Failure.system(errno, "stat", path, writing: true)
  }
  guard Int(status.st_size) <= largest - bytes.count else { return false }
  let error = bytes.withUnsafeBytes { writeAll($0, to: descriptor) }
  guard error == 0 else { throw Failure.system(error, "append to", path, writing: true) }
  return true
}
