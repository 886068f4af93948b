#if canImport(Glibc)
  import Glibc
#endif

/// The entries of a folder at the time it was listed.
///
/// On Linux, file names are bytes that need not be UTF-8. A `String` of such a name could not be
/// used to open the file, and names that differ only in Unicode normalisation would compare equal.
package struct Folder: Sendable {
  /// The path as given.
  package let path: String
  /// The names without `.` and `..`, sorted by their bytes. If the folder was listed recursively,
  /// these are the paths of the files relative to ``path``, separated by `/`.
  package let names: [[UInt8]]

  /// Lists the entries of `path`.
  ///
  /// - Parameters:
  ///   - path: The folder to list.
  ///   - recursive: Whether to list the files of subfolders instead of the subfolders' names.
  ///     Folders with hidden names are listed as names. Links to folders are followed; a folder
  ///     reached in two ways is listed once.
  /// - Throws: ``Failure`` `NotAFolder` (65) if `path` is not a folder, or the failure of the
  ///   system call (see ``Failure/system(_:_:_:writing:)``) if a folder cannot be listed.
  package init(path: String, recursive: Bool = false) throws(Failure) {
    self.path = path
    var entries = try Self.entries(of: [], in: path)
    var names: [[UInt8]] = []
    if recursive {
      var seen: Set = [try Self.identity(of: [], in: path)]
      // The names still to be examined, the next one last.
      var pending = Array(entries.reversed())
      while let entry = pending.popLast() {
        guard !entry.isHidden, Self.isFolder(entry, in: path) else {
          names.append(entry.name)
          continue
        }
        guard seen.insert(try Self.identity(of: entry.name, in: path)).inserted else { continue }
        entries = try Self.entries(of: entry.name, in: path)
        pending += entries.reversed()
      }
    } else {
      names = entries.map(\.name)
    }
    self.names = names.sorted { $0.lexicographicallyPrecedes($1) }
  }

  /// Returns the path of an entry for use in messages.
  ///
  /// - Parameter name: The bytes of one of ``names``. Those that are not valid UTF-8 are replaced.
  package func displayPath(of name: [UInt8]) -> String { Self.displayPath(of: name, in: path) }

  /// Opens the regular file with that name.
  ///
  /// - Parameter name: The bytes of one of ``names``.
  /// - Throws: ``Failure`` `NotFound` (66) if it no longer exists, `PermissionDenied` (77),
  ///   `NotARegularFile` (65) for anything but a regular file, or `InputOutput` (74) for other
  ///   errors of the system.
  package func open(_ name: [UInt8]) throws(Failure) -> ReadableFile {
    let descriptor = Glibc.open(Self.systemPath(of: name, in: path), ReadableFile.openFlags)
    return try ReadableFile(descriptor: descriptor, path: displayPath(of: name))
  }
}

// MARK: - Listing

extension Folder {
  private struct Entry {
    /// The path relative to the listed folder.
    let name: [UInt8]
    let isHidden: Bool
    /// The type that `readdir` reports, such as `DT_DIR`.
    let type: UInt8
  }

  /// The identity of a folder, independent of the path that led to it.
  private struct Identity: Hashable {
    let device: dev_t
    let inode: ino_t
  }

  /// Returns the entries of the folder `name` inside `path`, sorted by their bytes.
  private static func entries(of name: [UInt8], in path: String) throws(Failure) -> [Entry] {
    let subject = displayPath(of: name, in: path)
    guard let stream = opendir(systemPath(of: name, in: path)) else {
      throw errno == ENOTDIR
        ? Failure(.dataRefused, .notAFolder, subject, "neither a regular file nor a folder")
        : Failure.system(errno, "list", subject)
    }
    defer { closedir(stream) }
    let prefix = name.isEmpty ? [] : name + [UInt8(ascii: "/")]
    var entries: [Entry] = []
    errno = 0
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: UInt8.self, capacity: 1) {
          Array(UnsafeBufferPointer(start: $0, count: strlen(pointer)))
        }
      }
      guard name != Array(".".utf8) && name != Array("..".utf8) else { continue }
      entries.append(
        Entry(
          name: prefix + name, isHidden: name.first == UInt8(ascii: "."),
          type: entry.pointee.d_type))
    }
    guard errno == 0 else { throw Failure.system(errno, "list", subject) }
    return entries.sorted { $0.name.lexicographicallyPrecedes($1.name) }
  }

  /// Returns whether `entry` is a folder or a link to one. A dangling link is not.
  private static func isFolder(_ entry: Entry, in path: String) -> Bool {
    switch Int(entry.type) {
    case DT_DIR: return true
    case DT_LNK, DT_UNKNOWN:
      var status = stat()
      return stat(systemPath(of: entry.name, in: path), &status) == 0
        && status.st_mode & S_IFMT == S_IFDIR
    default: return false
    }
  }

  private static func identity(of name: [UInt8], in path: String) throws(Failure) -> Identity {
    var status = stat()
    guard stat(systemPath(of: name, in: path), &status) == 0 else {
      throw Failure.system(errno, "list", displayPath(of: name, in: path))
    }
    return Identity(device: status.st_dev, inode: status.st_ino)
  }

  private static func displayPath(of name: [UInt8], in path: String) -> String {
    name.isEmpty ? path : path + "/" + String(decoding: name, as: UTF8.self)
  }

  /// Returns the zero-terminated path for system calls.
  private static func systemPath(of name: [UInt8], in path: String) -> [CChar] {
    let bytes = Array(path.utf8) + (name.isEmpty ? [] : [UInt8(ascii: "/")] + name) + [0]
    return bytes.map { CChar(bitPattern: $0) }
  }
}
