#if canImport(Glibc)
  import Glibc
#endif

/// A file that appears whole or not at all: written to a temporary file in the same folder, synced,
/// renamed, and the folder synced.
///
/// - A symbolic link stays: the file that it leads to is replaced, or made.
/// - A file that is replaced keeps its owner, group and mode. Where the system does not allow that, the
///   file belongs to whoever writes it, and a group that changes gets no more permission than everybody
///   has. Access control lists and extended attributes are not kept. Of a file with several names (hard
///   links) only this name gets the new content.
/// - A pipe, a character device or a descriptor such as `/dev/stdout` is written through, when all of
///   the content is there: until then it waits in a file without a name in `$TMPDIR`.
public struct AtomicFile: ~Copyable {
  /// The path as given.
  public let path: String
  private let target: OutputTarget
  /// Nil for a file without a name.
  private let temporaryPath: String?
  private var descriptor: Int32

  /// Creates the temporary file.
  ///
  /// - Throws: ``Failure`` `cannotCreate` when the folder is missing or not writable, or something
  ///   that is not a file is in the way.
  public init(path: String) throws(Failure) {
    let target = try OutputTarget(path)
    var temporaryPath: String?
    let descriptor: Int32
    if case .file(let final, let existing) = target {
      let name = Self.temporaryPath(for: final)
      // What is replaced may be private: so is the temporary file from the start.
      descriptor = open(
        name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, existing == nil ? 0o666 : 0o600)
      guard descriptor >= 0 else { throw Failure.system(errno, "create", path, writing: true) }
      if let existing { keepOwnerAndMode(of: existing, on: descriptor) }
      temporaryPath = name
    } else {
      descriptor = try unnamedFile(in: temporaryFolder)
    }
    self.path = path
    self.target = target
    self.temporaryPath = temporaryPath
    self.descriptor = descriptor
  }

  deinit {
    guard descriptor >= 0 else { return }
    close(descriptor)
    if let temporaryPath { unlink(temporaryPath) }
  }

  /// Appends `bytes`.
  public mutating func write(_ bytes: some Collection<UInt8>) throws(Failure) {
    let descriptor = descriptor
    let error =
      bytes.withContiguousStorageIfAvailable {
        writeAll(UnsafeRawBufferPointer($0), to: descriptor)
      }
      ?? Array(bytes).withUnsafeBytes { writeAll($0, to: descriptor) }
    guard error == 0 else { throw Failure.system(error, "write", path, writing: true) }
  }

  /// Replaces what was written at `offset`; ``write(_:)`` continues at the end.
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

  /// Syncs and gives the file its name, or writes its content through. Without this call nothing
  /// appears.
  public mutating func commit() throws(Failure) {
    switch target {
    case .file(let final, _):
      try sync()
      guard let temporaryPath, rename(temporaryPath, final) == 0 else {
        throw abandoned(errno, "rename")
      }
      try Self.syncFolder(of: final)
    case .descriptor(let number): try copy(to: number)
    case .stream:
      let stream = try OutputTarget.openStream(path)
      defer { close(stream) }
      try copy(to: stream)
    }
  }

  /// Syncs and gives the file its name unless there is a file of that name already, which is kept.
  ///
  /// - Returns: Whether this is the file that has the name now.
  public mutating func commitIfNew() throws(Failure) -> Bool {
    guard case .file(let final, _) = target, let temporaryPath else {
      try commit()
      return true
    }
    try sync()
    // Unlike a renaming, a second link never replaces. File systems without links are left with it.
    if link(temporaryPath, final) != 0 {
      let error = errno
      if error == EEXIST {
        unlink(temporaryPath)
        return false
      }
      guard error == EPERM || error == EOPNOTSUPP, rename(temporaryPath, final) == 0 else {
        throw abandoned(error, "link")
      }
    } else {
      unlink(temporaryPath)
    }
    try Self.syncFolder(of: final)
    return true
  }

  private mutating func sync() throws(Failure) {
    guard fsync(descriptor) == 0 else { throw Failure.system(errno, "sync", path, writing: true) }
    let closed = close(descriptor)
    descriptor = -1
    guard closed == 0 else { throw abandoned(errno, "close") }
  }

  private func abandoned(_ error: Int32, _ call: String) -> Failure {
    if let temporaryPath { unlink(temporaryPath) }
    return Failure.system(error, call, path, writing: true)
  }

  /// Writes what was written so far to another descriptor.
  private func copy(to output: Int32) throws(Failure) {
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    var offset = 0
    while true {
      let count = buffer.withUnsafeMutableBytes {
        pread(descriptor, $0.baseAddress, $0.count, offset)
      }
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw Failure.system(errno, "read a temporary file of", path) }
      if count == 0 { break }
      let error = buffer.withUnsafeBytes { writeAll(.init(rebasing: $0[..<count]), to: output) }
      guard error == 0 else { throw Failure.system(error, "write", path, writing: true) }
      offset += count
    }
    // Pipes and devices have nothing to sync.
    if fsync(output) != 0, errno == EIO || errno == ENOSPC || errno == EDQUOT {
      throw Failure.system(errno, "sync", path, writing: true)
    }
  }

  /// Makes the name of a new file last.
  static func syncFolder(of path: String) throws(Failure) {
    let directory = open(folder(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if directory >= 0 {
      let synced = fsync(directory)
      let error = errno
      close(directory)
      guard synced == 0 || error == EINVAL else {
        throw Failure.system(error, "sync folder of", path, writing: true)
      }
    }
  }

  /// Makes sure that `path` could be written, before the work whose result goes there. Nothing is
  /// opened but a temporary file, which is removed.
  ///
  /// - Parameter isReadBack: Whether the file is read again, so that it has to be a regular one.
  /// - Throws: ``Failure`` `cannotCreate` when the folder is missing or not writable, or something
  ///   that cannot be written is in the way.
  public static func check(_ path: String, isReadBack: Bool = false) throws(Failure) {
    let file = try AtomicFile(path: path)
    if isReadBack, file.temporaryPath == nil {
      throw Failure(
        .cannotCreate, "CannotCreate", path,
        "is a pipe or a device, expected the path of a regular file: the file is read again")
    }
  }

  /// Writes `bytes` to `path` in one go.
  public static func write(_ bytes: some Collection<UInt8>, to path: String) throws(Failure) {
    var file = try AtomicFile(path: path)
    try file.write(bytes)
    try file.commit()
  }
}

// MARK: - Temporary names

extension AtomicFile {
  /// `.<name>.dis-eval-<13 digits of base 36>.tmp`, hidden and never longer than a name may be.
  private static func temporaryPath(for path: String) -> String {
    var name = ""
    for character in lastName(path) {
      guard name.utf8.count + character.utf8.count <= 200 else { break }
      name.append(character)
    }
    let digits = String(UInt64.random(in: .min ... .max), radix: 36)
    let random = String(repeating: "0", count: 13 - digits.count) + digits
    return "\(folder(of: path))/.\(name).dis-eval-\(random).tmp"
  }

  /// The name of the file that a temporary file was to become, up to its first 200 bytes; nil for a
  /// name that is not one that this type gives.
  package static func name(ofTemporary name: String) -> String? {
    guard let match = name.wholeMatch(of: /\.(.+)\.dis-eval-[0-9a-z]{13}\.tmp/) else { return nil }
    return String(match.1)
  }
}

/// Gives a new file owner, group and mode of the one that it replaces, as far as the system allows.
func keepOwnerAndMode(of old: stat, on descriptor: Int32) {
  var new = stat()
  guard fstat(descriptor, &new) == 0 else { return }
  var mode = old.st_mode & 0o7777
  if new.st_uid != old.st_uid || new.st_gid != old.st_gid,
    fchown(descriptor, old.st_uid, old.st_gid) != 0
  {
    mode &= 0o777
    // The group alone may be allowed.
    if new.st_gid != old.st_gid, fchown(descriptor, uid_t.max, old.st_gid) != 0 {
      mode &= 0o707 | (mode & 0o007) << 3
    }
  }
  // A file system without modes has none to keep.
  _ = fchmod(descriptor, mode)
}
