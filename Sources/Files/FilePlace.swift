#if canImport(Glibc)
  import Glibc
#endif

/// Which file a path means, so that two paths can be compared: links, `..` and other names of the same
/// file make no difference, and the file need not be there yet.
package struct FilePlace: Sendable {
  /// The names on the way from the root, without links as far as there is anything.
  private let components: [Substring]
  private let identity: Identity?

  private struct Identity: Equatable {
    let device: dev_t
    let inode: ino_t
  }

  /// Where `path` leads now.
  package init(_ path: String) {
    components = Self.components(path, links: 40)
    var status = stat()
    identity =
      stat(path, &status) == 0 && !Self.isNull(status)
      ? Identity(device: status.st_dev, inode: status.st_ino) : nil
  }

  /// Whether both are the same file. `/dev/null` is like a new one each time.
  package func isSame(as other: FilePlace) -> Bool {
    if let identity, let other = other.identity { return identity == other }
    return identity == nil && other.identity == nil && components == other.components
      && components != ["dev", "null"]
  }

  /// Whether this is in `folder`.
  ///
  /// - Parameter directly: Whether folders in it do not count.
  package func isInside(_ folder: FilePlace, directly: Bool = false) -> Bool {
    let depth = components.count - folder.components.count
    return depth > 0 && (!directly || depth == 1) && components.starts(with: folder.components)
  }

  /// The real path of what is there, with the names of what is not.
  private static func components(_ path: String, links: Int) -> [Substring] {
    if let resolved = realpath(path, nil) {
      defer { free(resolved) }
      return String(cString: resolved).split(separator: "/")
    }
    let trimmed = path.last == "/" ? String(path.dropLast()) : path
    guard !trimmed.isEmpty, trimmed != "." else { return [] }
    // A link whose target is not there.
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
  /// How a path has to do with standard output.
  package enum StandardOutput {
    /// It is written through to where standard output goes.
    case through
    /// It is the regular file that standard output goes to, by its own name.
    case sameFile
  }

  /// How `path` has to do with standard output, nil for not at all.
  package static func standardOutput(_ path: String) -> StandardOutput? {
    var (status, output) = (stat(), stat())
    guard stat(path, &status) == 0, fstat(STDOUT_FILENO, &output) == 0, !isNull(status),
      status.st_dev == output.st_dev, status.st_ino == output.st_ino
    else { return nil }
    guard case .file? = try? OutputTarget(path) else { return .through }
    return .sameFile
  }
}
