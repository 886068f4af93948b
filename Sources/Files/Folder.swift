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
  /// The names, sorted by their bytes, without `.` and `..`.
  public let names: [[UInt8]]

  /// Lists `path`.
  ///
  /// - Throws: ``Failure`` `NotAFolder`, or that of the system call.
  public init(path: String) throws(Failure) {
    guard let stream = opendir(path) else {
      throw errno == ENOTDIR
        ? Failure(.dataRefused, "NotAFolder", path, "neither a regular file nor a folder")
        : Failure.system(errno, "list", path)
    }
    defer { closedir(stream) }
    var names: [[UInt8]] = []
    errno = 0
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: UInt8.self, capacity: 1) {
          Array(UnsafeBufferPointer(start: $0, count: strlen(pointer)))
        }
      }
      if name != Array(".".utf8) && name != Array("..".utf8) { names.append(name) }
    }
    guard errno == 0 else { throw Failure.system(errno, "list", path) }
    self.path = path
    self.names = names.sorted { $0.lexicographicallyPrecedes($1) }
  }

  /// The path of an entry, for messages: bytes that are no UTF-8 are replaced.
  public func displayPath(of name: [UInt8]) -> String {
    path + "/" + String(decoding: name, as: UTF8.self)
  }

  /// Opens the regular file of that name.
  public func open(_ name: [UInt8]) throws(Failure) -> ReadableFile {
    let bytes = Array(path.utf8) + Array("/".utf8) + name + [0]
    let descriptor = Glibc.open(bytes.map { CChar(bitPattern: $0) }, ReadableFile.openFlags)
    return try ReadableFile(descriptor: descriptor, path: displayPath(of: name))
  }
}
