#if canImport(Glibc)
  import Glibc
#endif
import Synchronization

/// A file that appears completely or not at all: it is written to a temporary file in the same
/// folder, synced and renamed, and the folder is synced.
///
/// - Where the system has files without names, the temporary file has none. A new file gets its final name
///   when it is complete, so that a process that is killed leaves nothing behind. Only a file that
///   replaces another needs a temporary name, for the moment before it is renamed.
/// - A symbolic link is kept: the file at its end is replaced or created.
/// - A replaced file keeps its owner, group and mode. Where the system does not allow that, the
///   file belongs to the user who writes it, and a changed group gets no more permissions than
///   everyone has. Access control lists and extended attributes are not kept. If the file has
///   several names (hard links), only this name gets the new content.
/// - A pipe, a character device or a descriptor such as `/dev/stdout` is written once all content
///   is available; until then, the content is kept in an unnamed file in `$TMPDIR`.
package struct AtomicFile: ~Copyable {
  /// The path as given.
  package let path: String
  private let target: OutputTarget
  /// The path of the temporary file, or nil for an unnamed file.
  private let temporaryPath: String?
  private var descriptor: Int32
  /// Whether the temporary file has its name, which otherwise it gets when it is complete.
  private var isNamed: Bool
  /// A descriptor that holds a lock while the temporary file has a name, -1 if there is none. A temporary
  /// file without a lock was left by a process that was killed.
  private var lock: Int32 = -1

  /// Creates the temporary file.
  ///
  /// - Parameter path: The path of the final file.
  /// - Throws: ``Failure`` `CannotCreate` (73) if the folder is missing or not writable, or if
  ///   `path` is something that cannot be written, such as a folder; `DiskFull`, `InputOutput` (74)
  ///   or `OutOfMemory` (71) if a system call fails in that way.
  package init(path: String) throws(Failure) {
    let target = try OutputTarget(path)
    var temporaryPath: String?
    let descriptor: Int32
    var isNamed = false
    if case .file(let final, let existing) = target {
      let name = Self.temporaryPath(for: final)
      // The file to be replaced may be private, so the temporary file is private from the start.
      let mode: mode_t = existing == nil ? 0o666 : 0o600
      let unnamed = Self.unnamed(in: folder(of: final), mode)
      isNamed = unnamed < 0
      descriptor =
        isNamed ? open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode) : unnamed
      guard descriptor >= 0 else { throw Failure.system(errno, "create", path, writing: true) }
      // From the moment it has a name, or another process would take it for one that was left.
      if isNamed { lock = Self.locked(descriptor) }
      if let existing { keepOwnerAndMode(of: existing, on: descriptor) }
      temporaryPath = name
      Self.unfinished.withLock { _ = $0.insert(name) }
    } else {
      descriptor = try unnamedFile(in: temporaryFolder)
    }
    self.path = path
    self.target = target
    self.temporaryPath = temporaryPath
    self.isNamed = isNamed
    self.descriptor = descriptor
  }

  deinit {
    if let temporaryPath { Self.unfinished.withLock { _ = $0.remove(temporaryPath) } }
    if lock >= 0 { close(lock) }
    guard descriptor >= 0 else { return }
    close(descriptor)
    if isNamed, let temporaryPath { unlink(temporaryPath) }
  }

  /// Locks a file, and returns a descriptor that holds the lock until it is closed; negative if there is none.
  private static func locked(_ descriptor: Int32) -> Int32 {
    let lock = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
    if lock >= 0 { flock(lock, LOCK_EX | LOCK_NB) }
    return lock
  }

  /// Returns the descriptor of a new file without a name, negative if the system has none there.
  private static func unnamed(in folder: String, _ mode: mode_t) -> Int32 {
    // It is named through the folder of descriptors.
    guard access("/proc/self/fd", F_OK) == 0 else { return -1 }
    return open(folder, openUnnamed | O_WRONLY | O_CLOEXEC, mode)
  }

  /// Gives an unnamed file a name, unless that exists.
  ///
  /// - Returns: 0, or the `errno` of the failure.
  private func name(_ path: String) -> Int32 {
    linkat(AT_FDCWD, "/proc/self/fd/\(descriptor)", AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0
      ? 0 : errno
  }

  /// Appends bytes to the temporary file.
  ///
  /// - Parameter bytes: The bytes, of any number.
  /// - Throws: ``Failure`` `DiskFull` or `InputOutput` (74) if writing fails.
  package mutating func write(_ bytes: some Collection<UInt8>) throws(Failure) {
    let descriptor = descriptor
    let error =
      bytes.withContiguousStorageIfAvailable {
        writeAll(UnsafeRawBufferPointer($0), to: descriptor)
      }
      ?? Array(bytes).withUnsafeBytes { writeAll($0, to: descriptor) }
    guard error == 0 else { throw Failure.system(error, "write", path, writing: true) }
  }

  /// Overwrites bytes written before. ``write(_:)`` continues at the end of the file.
  ///
  /// - Parameters:
  ///   - bytes: The new bytes.
  ///   - offset: The position of the first one in bytes from the beginning of the file.
  /// - Throws: ``Failure`` `DiskFull` or `InputOutput` (74) if writing fails.
  package mutating func overwrite(_ bytes: [UInt8], at offset: Int) throws(Failure) {
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

  /// Syncs the file and gives it its name, or copies its content to the pipe, device or descriptor.
  /// Without this call, nothing appears.
  ///
  /// - Throws: ``Failure`` `CannotCreate` (73) if the file cannot be renamed or no process reads
  ///   the pipe, `DiskFull` or `InputOutput` (74) if writing or syncing fails. A file that could
  ///   not be renamed is removed.
  package mutating func commit() throws(Failure) {
    switch target {
    case .file(let final, let existing):
      if existing == nil, !isNamed, try syncAndName(final) { return }
      try sync(naming: temporaryPath)
      guard let temporaryPath, rename(temporaryPath, final) == 0 else {
        throw abandoned(errno, "rename")
      }
      if existing != nil { Self.removeAbandoned(final) }
      try Self.syncFolder(of: final)
    case .descriptor(let number): try copy(to: number)
    case .stream:
      let stream = try OutputTarget.openStream(path)
      defer { close(stream) }
      try copy(to: stream)
    }
  }

  /// Syncs the file and gives it its name, unless a file of that name exists, which is kept. Pipes,
  /// devices and descriptors are written as by ``commit()``.
  ///
  /// - Returns: Whether this file now has the name.
  /// - Throws: ``Failure`` `CannotCreate` (73) if the file cannot be linked or renamed or no
  ///   process reads the pipe, `DiskFull` or `InputOutput` (74) if writing or syncing fails.
  package mutating func commitIfNew() throws(Failure) -> Bool {
    guard case .file(let final, _) = target, let temporaryPath else {
      try commit()
      return true
    }
    if !isNamed { return try syncAndName(final) }
    try sync(naming: temporaryPath)
    // Unlike `rename`, `link` never replaces a file. File systems without links fall back to
    // `rename`.
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

  /// Syncs an unnamed file and gives it its final name, unless a file of that name exists.
  ///
  /// - Returns: Whether this file now has the name.
  private mutating func syncAndName(_ final: String) throws(Failure) -> Bool {
    guard fsync(descriptor) == 0 else { throw Failure.system(errno, "sync", path, writing: true) }
    let error = name(final)
    if error == EEXIST { return false }
    guard error == 0 else { throw Failure.system(error, "name", path, writing: true) }
    let closed = close(descriptor)
    descriptor = -1
    guard closed == 0 else {
      let error = errno
      unlink(final)
      throw Failure.system(error, "close", path, writing: true)
    }
    try Self.syncFolder(of: final)
    return true
  }

  private mutating func sync(naming name: String?) throws(Failure) {
    guard fsync(descriptor) == 0 else { throw Failure.system(errno, "sync", path, writing: true) }
    if !isNamed { lock = Self.locked(descriptor) }
    if !isNamed, let name {
      let error = self.name(name)
      guard error == 0 else { throw Failure.system(error, "name", path, writing: true) }
      isNamed = true
    }
    let closed = close(descriptor)
    descriptor = -1
    guard closed == 0 else { throw abandoned(errno, "close") }
  }

  private func abandoned(_ error: Int32, _ call: String) -> Failure {
    if let temporaryPath { unlink(temporaryPath) }
    return Failure.system(error, call, path, writing: true)
  }

  /// Copies everything written so far to a different descriptor.
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
    // Pipes and devices cannot be synced.
    if fsync(output) != 0, errno == EIO || errno == ENOSPC || errno == EDQUOT {
      throw Failure.system(errno, "sync", path, writing: true)
    }
  }

  /// Syncs the folder of `path`, so that the name of a new file is durable.
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

  /// Checks that `path` can be written before starting the work whose result goes there. Only a
  /// temporary file is opened, and it is removed.
  ///
  /// - Parameters:
  ///   - path: The path to check.
  ///   - isReadBack: Whether the file is read again, which requires a regular file.
  /// - Throws: ``Failure`` `CannotCreate` (73) if the folder is missing or not writable, if `path`
  ///   is something that cannot be written, or if a regular file is required and `path` is not one;
  ///   otherwise as ``init(path:)``.
  package static func check(_ path: String, isReadBack: Bool = false) throws(Failure) {
    let file = try AtomicFile(path: path)
    if isReadBack, file.temporaryPath == nil {
      throw Failure(
        .cannotCreate, .cannotCreate, path,
        "is a pipe or a device, expected the path of a regular file: the file is read again")
    }
  }

  /// Writes a file that appears completely or not at all.
  ///
  /// - Parameters:
  ///   - bytes: The whole content.
  ///   - path: The path of the file, which is replaced if it exists.
  /// - Throws: ``Failure`` `CannotCreate` (73) if the folder is missing or not writable or `path`
  ///   is something that cannot be written, `DiskFull` or `InputOutput` (74) if writing or syncing
  ///   fails.
  package static func write(_ bytes: some Collection<UInt8>, to path: String) throws(Failure) {
    var file = try AtomicFile(path: path)
    try file.write(bytes)
    try file.commit()
  }
}

// MARK: - Before the process ends

extension AtomicFile {
  /// The temporary files that have not become the final ones.
  private static let unfinished = Mutex<Set<String>>([])

  /// Removes the temporary files of all unfinished files, before a signal ends the process. No more can
  /// be created in the meantime, and the files that are being written never appear.
  package static func withoutUnfinished(end: () -> Never) -> Never {
    unfinished.withLock { paths in
      for path in paths { unlink(path) }
      end()
    }
  }
}

// MARK: - Temporary names

extension AtomicFile {
  /// Returns `.<name>.dis-eval-<13 digits of base 36>.tmp`: hidden, and never longer than a file
  /// name may be.
  package static func temporaryPath(for path: String) -> String {
    var name = ""
    for character in lastName(path) {
      guard name.utf8.count + character.utf8.count <= 200 else { break }
      name.append(character)
    }
    let random = zeroPadded(String(UInt64.random(in: .min ... .max), radix: 36), to: 13)
    return "\(folder(of: path))/.\(name).dis-eval-\(random).tmp"
  }

  /// Removes the temporary files that killed processes left when they were to replace a file.
  private static func removeAbandoned(_ final: String) {
    let folder = folder(of: final)
    guard let directory = opendir(folder) else { return }
    defer { closedir(directory) }
    let wanted = name(ofTemporary: String(lastName(temporaryPath(for: final))))
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard name.hasPrefix("."), name.hasSuffix(".tmp"), self.name(ofTemporary: name) == wanted
      else {
        continue
      }
      let path = "\(folder)/\(name)"
      let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
      guard descriptor >= 0 else { continue }
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { unlink(path) }
      close(descriptor)
    }
  }

  /// Returns the name of the file that a temporary file was meant to become, truncated to 200
  /// bytes, or nil if this type does not produce such a name.
  package static func name(ofTemporary name: String) -> String? {
    guard let match = name.wholeMatch(of: /\.(.+)\.dis-eval-[0-9a-z]{13}\.tmp/) else { return nil }
    return String(match.1)
  }
}

/// Gives a new file the owner, group and mode of the file it replaces, as far as the system allows.
func keepOwnerAndMode(of old: stat, on descriptor: Int32) {
  var new = stat()
  guard fstat(descriptor, &new) == 0 else { return }
  var mode = old.st_mode & 0o7777
  if new.st_uid != old.st_uid || new.st_gid != old.st_gid,
    fchown(descriptor, old.st_uid, old.st_gid) != 0
  {
    mode &= 0o777
    // Changing the group alone may be allowed.
    if new.st_gid != old.st_gid, fchown(descriptor, uid_t.max, old.st_gid) != 0 {
      mode &= 0o707 | (mode & 0o007) << 3
    }
  }
  // A file system without modes has nothing to keep.
  _ = fchmod(descriptor, mode)
}
