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

  /// How the names of temporary files end: a file of this ending that nobody writes any more was left
  /// by a process that was killed.
  public static let temporarySuffix = ".tmp"

  /// Creates the temporary file.
  ///
  /// - Throws: ``Failure`` `cannotCreate` when the folder is missing or not writable.
  public init(path: String) throws(Failure) {
    var status = stat()
    if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
      throw Failure(.cannotCreate, "CannotCreate", path, "something that is no file is in the way")
    }
    let random = String(UInt64.random(in: .min ... .max), radix: 36)
    let temporaryPath = "\(path).\(random)\(Self.temporarySuffix)"
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
    try sync()
    guard rename(temporaryPath, path) == 0 else {
      throw abandoned(errno, "rename")
    }
    try Self.syncFolder(of: path)
  }

  /// Syncs and gives the file its name unless there is a file of that name already, which is kept.
  ///
  /// - Returns: Whether this is the file that has the name now.
  public mutating func commitIfNew() throws(Failure) -> Bool {
    try sync()
    // Unlike a renaming, a second link never replaces. File systems without links are left with it.
    if link(temporaryPath, path) != 0 {
      let error = errno
      if error == EEXIST {
        unlink(temporaryPath)
        return false
      }
      guard error == EPERM || error == EOPNOTSUPP, rename(temporaryPath, path) == 0 else {
        throw abandoned(error, "link")
      }
    } else {
      unlink(temporaryPath)
    }
    try Self.syncFolder(of: path)
    return true
  }

  private mutating func sync() throws(Failure) {
    guard fsync(descriptor) == 0 else { throw Failure.system(errno, "sync", path, writing: true) }
    let closed = close(descriptor)
    descriptor = -1
    guard closed == 0 else { throw abandoned(errno, "close") }
  }

  private func abandoned(_ error: Int32, _ call: String) -> Failure {
    unlink(temporaryPath)
    return Failure.system(error, call, path, writing: true)
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
