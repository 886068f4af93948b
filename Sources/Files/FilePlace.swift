#if canImport(Glibc)
  import Glibc
#endif

/// The file that a path refers to, for comparing paths. Links, `..` and alternative names of a file
/// make no difference, and the file need not exist yet.
package struct FilePlace: Sendable {
  /// The names from the root to the file, with links resolved as far as the path exists.
  private let components: [Substring]
  private let identity: Identity?

  private struct Identity: Equatable {
    let device: dev_t
    let inode: ino_t
  }

  /// Resolves `path` as it is now.
  package init(_ path: String) {
    components = Self.components(path, links: 40)
    var status = stat()
    identity =
      stat(path, &status) == 0 && !Self.isNull(status)
      ? Identity(device: status.st_dev, inode: status.st_ino) : nil
  }

  /// Returns whether both paths refer to the same file. `/dev/null` is never the same as itself.
  package func isSame(as other: FilePlace) -> Bool {
    if let identity, let other = other.identity { return identity == other }
    return identity == nil && other.identity == nil && components == other.components
      && components != ["dev", "null"]
  }

  /// Returns whether the file is inside `folder`.
  ///
  /// - Parameters:
  ///   - folder: The folder that may contain the file.
  ///   - directly: Whether to count only the direct children of the folder.
  package func isInside(_ folder: FilePlace, directly: Bool = false) -> Bool {
    let depth = components.count - folder.components.count
    return depth > 0 && (!directly || depth == 1) && components.starts(with: folder.components)
  }

  /// Returns the real path of the part that exists, followed by the names of the part that does
  /// not.
  private static func components(_ path: String, links: Int) -> [Substring] {
    if let resolved = realpath(path, nil) {
      defer { free(resolved) }
      return String(cString: resolved).split(separator: "/")
    }
    let trimmed = path.last == "/" ? String(path.dropLast()) : path
    guard !trimmed.isEmpty, trimmed != "." else { return [] }
    // A link whose target does not exist.
    if links > 0, let target = linkTarget(trimmed) {
      let isAbsolute = target.hasPrefix("/")
      return components(
        isAbsolute ? target : "\(folder(of: trimmed))/\(target)", links: links - 1)
    }
    let name = lastName(trimmed)
    let parent = components(folder(of: trimmed), links: links)
    switch name {
    case ".": return parent
    case "..": return parent.dropLast()
    default: return parent + [name]
    }
  }

  private static func isNull(_ status: stat) -> Bool {
    var null = stat()
    return status.st_mode & S_IFMT == S_IFCHR && stat("/dev/null", &null) == 0
      && status.st_rdev == null.st_rdev
  }
}

extension FilePlace {
  /// The relation of a path to standard output.
  package enum StandardOutput {
    /// Writing to the path writes directly to where standard output goes.
    case through
    /// The path is the name of the regular file that standard output is redirected to.
    case sameFile
  }

  /// Returns the relation of `path` to standard output, or nil if there is none.
  package static func standardOutput(_ path: String) -> StandardOutput? {
    var (status, output) = (stat(), stat())
    guard stat(path, &status) == 0, fstat(STDOUT_FILENO, &output) == 0, !isNull(status),
      status.st_dev == output.st_dev, status.st_ino == output.st_ino
    else { return nil }
    guard case .file? = try? OutputTarget(path) else { return .through }
    return .sameFile
  }
}
