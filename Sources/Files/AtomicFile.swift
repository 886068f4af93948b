#if canImport(Glibc)
  import Glibc
#endif

/// A file that appears whole or not at all: written to a temporary name in the same folder, synced,
/// renamed, and the folder synced.
public struct AtomicFile: ~Copyable {
  /// The final path.
  public let path: String
  private let temporaryPath: String
  private var descriptor: Int32

  /// Creates the temporary file.
  ///
  /// - Throws: ``Failure`` `cannotCreate` when the folder is missing or not writable.
  public init(path: String) throws(Failure) {
    var status = stat()
    if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
      throw Failure(.cannotCreate, "CannotCreate", path, "something that is no file is in the way")
    }
    let temporaryPath = "\(path).\(String(UInt64.random(in: .min ... .max), radix: 36)).tmp"
    let descriptor = open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw Failure.system(errno, "create", path, writing: true) }
    self.path = path
    self.temporaryPath = temporaryPath
    self.descriptor = descriptor
  }

  deinit {
    if descriptor >= 0 {
      close(descriptor)
      unlink(temporaryPath)
    }
  }

  /// Appends `bytes`.
  public mutating func write(_ bytes: some Collection<UInt8>) throws(Failure) {
    let failure: Failure?? = bytes.withContiguousStorageIfAvailable {
      writeAll(UnsafeRawBufferPointer($0))
    }
    if let done = failure {
      if let done { throw done }
    } else if let failure = Array(bytes).withUnsafeBytes({ writeAll($0) }) {
      throw failure
    }
  }

  /// Replaces what was written at `offset`; ``write(_:)`` goes on at the end.
  public mutating func overwrite(_ bytes: [UInt8], at offset: Int) throws(Failure) {
    var done = 0
    while done < bytes.count {
      let wrote = bytes.withUnsafeBytes {
        pwrite(descriptor, $0.baseAddress.map { $0 + done }, $0.count - done, offset + done)
      }
      if wrote < 0 && errno == EINTR { continue }
      guard wrote > 0 else { throw Failure.system(errno, "write", path, writing: true) }
      done += wrote
    }
  }

  private func writeAll(_ buffer: UnsafeRawBufferPointer) -> Failure? {
    var done = 0
    while done < buffer.count {
      let wrote = Glibc.write(descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done)
      if wrote < 0 && errno == EINTR { continue }
      guard wrote > 0 else { return Failure.system(errno, "write", path, writing: true) }
      done += wrote
    }
    return nil
  }

  /// Syncs and gives the file its name. Without this call the file never appears.
  public mutating func commit() throws(Failure) {
    guard fsync(descriptor) == 0 else { throw Failure.system(errno, "sync", path, writing: true) }
    let closed = close(descriptor)
    descriptor = -1
    guard closed == 0, rename(temporaryPath, path) == 0 else {
      let error = errno
      unlink(temporaryPath)
      throw Failure.system(error, closed == 0 ? "rename" : "close", path, writing: true)
    }
    try Self.syncFolder(of: path)
  }

  /// Makes the name of a new file last.
  static func syncFolder(of path: String) throws(Failure) {
    let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    let directory = open(folder.isEmpty ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if directory >= 0 {
      let synced = fsync(directory)
      let error = errno
      close(directory)
      guard synced == 0 || error == EINVAL else {
        throw Failure.system(error, "sync folder of", path, writing: true)
      }
    }
  }

  /// Makes sure that `path` could be written, before the work whose result goes there.
  ///
  /// - Throws: ``Failure`` `cannotCreate` when the folder is missing or not writable.
  public static func check(_ path: String) throws(Failure) {
    _ = try AtomicFile(path: path)
  }

  /// Writes `bytes` to `path` in one go.
  public static func write(_ bytes: some Collection<UInt8>, to path: String) throws(Failure) {
    var file = try AtomicFile(path: path)
    try file.write(bytes)
    try file.commit()
  }
}
