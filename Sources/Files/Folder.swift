#if canImport(Glibc)
  import Glibc
#endif

/// The entries of a folder when it was listed.
///
/// On Linux a file name is bytes that need not be UTF-8; as a `String` such a name could not be
/// opened again, and two names that differ only in Unicode normalisation would be equal.
public struct Folder: Sendable {
  /// The path as given.
  public let path: String
  /// The names, sorted by their bytes, without `.` and `..`; listed recursively, paths of files
  /// relative to ``path``, with `/` between folders.
  public let names: [[UInt8]]

  /// Lists `path`.
  ///
  /// - Parameter recursive: Whether to list the files of the folders inside too, instead of these
  ///   folders' names. Folders with hidden names stay names. Links to folders are followed; a folder
  ///   that two ways lead to is listed once.
  /// - Throws: ``Failure`` `NotAFolder`, or that of the system call.
  public init(path: String, recursive: Bool = false) throws(Failure) {
    self.path = path
    var entries = try Self.entries(of: [], in: path)
    var names: [[UInt8]] = []
    if recursive {
      var seen: Set = [try Self.identity(of: [], in: path)]
      // The names still to be looked at, the next one last.
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

  /// The path of an entry, for messages: bytes that are no UTF-8 are replaced.
  public func displayPath(of name: [UInt8]) -> String { Self.displayPath(of: name, in: path) }

  /// Opens the regular file of that name.
  public func open(_ name: [UInt8]) throws(Failure) -> ReadableFile {
    let descriptor = Glibc.open(Self.systemPath(of: name, in: path), ReadableFile.openFlags)
    return try ReadableFile(descriptor: descriptor, path: displayPath(of: name))
  }
}

// MARK: - Listing

extension Folder {
  private struct Entry {
    /// Relative to the folder that is listed.
    let name: [UInt8]
    let isHidden: Bool
    /// What `readdir` says it is, such as `DT_DIR`.
    let type: UInt8
  }

  /// Which folder it is, whatever path led to it.
  private struct Identity: Hashable {
    let device: dev_t
    let inode: ino_t
  }

  /// The entries of the folder `name` inside `path`, sorted by their bytes.
  private static func entries(of name: [UInt8], in path: String) throws(Failure) -> [Entry] {
    let subject = displayPath(of: name, in: path)
    guard let stream = opendir(systemPath(of: name, in: path)) else {
      throw errno == ENOTDIR
        ? Failure(.dataRefused, "NotAFolder", subject, "neither a regular file nor a folder")
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

  /// Whether `entry` is a folder or a link to one. A link to nothing is none.
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

  /// The bytes that the system calls take, with the zero at the end.
  private static func systemPath(of name: [UInt8], in path: String) -> [CChar] {
    let bytes = Array(path.utf8) + (name.isEmpty ? [] : [UInt8(ascii: "/")] + name) + [0]
    return bytes.map { CChar(bitPattern: $0) }
  }
}
