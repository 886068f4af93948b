import Foundation

extension Folder {
  /// Creates the folder at `path` and the missing folders above it. An existing folder is kept as
  /// it is.
  ///
  /// - Throws: ``Failure`` `CannotCreate` (73) if it cannot be created.
  package static func create(_ path: String) throws(Failure) {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw Failure(
        .cannotCreate, .cannotCreate, path,
        "the folder cannot be created: its place is not writable, or something that is not a "
          + "folder is in the way")
    }
  }
}
