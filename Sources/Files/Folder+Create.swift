#if canImport(Glibc)
  import Glibc
#endif

extension Folder {
  /// Creates the folder at `path` and the missing folders above it. An existing folder is kept as
  /// it is.
  ///
  /// - Throws: ``Failure`` `CannotCreate` (73) if it cannot be created, `DiskFull` or `InputOutput`
  ///   (74) or `OutOfMemory` (71) if the system call fails in that way.
  package static func create(_ path: String) throws(Failure) {
    var made = path.utf8.first == UInt8(ascii: "/") ? "/" : ""
    for component in path.split(separator: "/") {
      made += component
      if mkdir(made, 0o777) != 0 {
        let error = errno
        guard !isFolder(made) else {
          made += "/"
          continue
        }
        guard ![EACCES, EPERM, EROFS, EEXIST, ENOTDIR, ENOENT].contains(error) else {
          throw Failure(
            .cannotCreate, .cannotCreate, path,
            "the folder cannot be created: its place is not writable, or something that is not a "
              + "folder is in the way")
        }
        throw Failure.system(error, "create folder", path, writing: true)
      }
      made += "/"
    }
  }

  private static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }
}
