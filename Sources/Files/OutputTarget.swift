#if canImport(Glibc)
  import Glibc
#endif

/// What an output path refers to.
///
/// Symbolic links are followed even if their target does not exist yet, so that a link is kept and
/// the file at its end is replaced.
enum OutputTarget {
  /// A regular file at the end of all links, with its status, or nil if the name is free.
  case file(path: String, existing: stat?)
  /// A descriptor of this process, such as `/dev/stdout` or `/dev/fd/3`. Writing continues at the
  /// descriptor's position.
  case descriptor(Int32)
  /// A named pipe or a character device.
  case stream

  /// Examines the path without opening anything, because a process reading a pipe would see its
  /// end.
  ///
  /// - Throws: ``Failure`` `CannotCreate` (73) for circular links, links to a folder that does not
  ///   exist, folders, sockets, block devices, descriptors of other processes, and anything
  ///   protected against writing.
  init(_ path: String) throws(Failure) {
    // The system follows the links first: it detects circles and links that must not be followed.
    var status = stat()
    let exists = stat(path, &status) == 0
    guard exists || errno == ENOENT else {
      throw Failure.system(errno, "create", path, writing: true)
    }
    let place = try Self.followed(path)
    if let folder = Self.procFolder(of: place) {
      guard exists, let number = Self.ownDescriptor(place, in: folder) else {
        throw Self.refusal(path, "is not a descriptor of this process")
      }
      guard fcntl(number, F_GETFL) & O_ACCMODE != O_RDONLY else {
        throw Self.refusal(path, "descriptor \(number) is open for reading only")
      }
      self = .descriptor(number)
      return
    }
    guard exists else {
      self = .file(path: place, existing: nil)
      return
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG:
      guard status.st_mode & 0o222 != 0 else {
        throw Self.refusal(
          path, "is protected against writing; allow it with chmod u+w, or choose another path")
      }
      self = .file(path: place, existing: status)
    case S_IFIFO, S_IFCHR:
      guard access(path, W_OK) == 0 else {
        throw Failure.system(errno, "open", path, writing: true)
      }
      self = .stream
    case S_IFDIR: throw Self.refusal(path, "is a folder, expected the path of a file")
    default: throw Self.refusal(path, "is a socket or a block device, expected a file or a pipe")
    }
  }

  /// Returns the path at the end of the links, or an entry of `/proc` found on the way.
  private static func followed(_ path: String) throws(Failure) -> String {
    var place = path
    for _ in 0..<40 {
      var status = stat()
      guard lstat(place, &status) == 0, status.st_mode & S_IFMT == S_IFLNK,
        procFolder(of: place) == nil
      else {
        return place
      }
      guard let target = linkTarget(place) else {
        throw refusal(path, "is a link to a name that is not UTF-8")
      }
      place = target.hasPrefix("/") ? target : "\(folder(of: place))/\(target)"
    }
    throw Failure.system(ELOOP, "create", path, writing: true)
  }

  /// Returns the real path of the folder of `path` if it is inside `/proc`, where links are open
  /// files rather than names.
  private static func procFolder(of path: String) -> String? {
    guard let resolved = realpath(folder(of: path), nil) else { return nil }
    defer { free(resolved) }
    let folder = String(cString: resolved)
    return folder == "/proc" || folder.hasPrefix("/proc/") ? folder : nil
  }

  /// Returns the descriptor of this process that an entry of `/proc/self/fd` stands for.
  private static func ownDescriptor(_ path: String, in folder: String) -> Int32? {
    guard folder.hasPrefix("/proc/\(getpid())/"), folder.hasSuffix("/fd"),
      let name = path.split(separator: "/").last, let number = Int32(name),
      fcntl(number, F_GETFD) >= 0
    else { return nil }
    return number
  }

  private static func refusal(_ path: String, _ detail: String) -> Failure {
    Failure(.cannotCreate, .cannotCreate, path, detail)
  }
}

/// Returns the target of a symbolic link, or nil if `path` is not a link or the target is not valid
/// UTF-8.
func linkTarget(_ path: String) -> String? {
  var target = [CChar](repeating: 0, count: Int(PATH_MAX))
  let count = readlink(path, &target, target.count)
  return count > 0
    ? String(validating: target[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self) : nil
}

/// Returns the folder that contains `path`.
func folder(of path: String) -> String {
  guard let slash = path.lastIndex(of: "/") else { return "." }
  return slash == path.startIndex ? "/" : String(path[..<slash])
}

/// Returns the part of `path` after the last slash.
func lastName(_ path: String) -> Substring {
  path.lastIndex(of: "/").map { path[path.index(after: $0)...] } ?? path[...]
}

extension OutputTarget {
  /// Opens a pipe or device for writing.
  ///
  /// - Throws: ``Failure`` `CannotCreate` (73) if no process reads the pipe, because waiting for
  ///   one could take forever, or if it cannot be opened.
  static func openStream(_ path: String) throws(Failure) -> Int32 {
    let descriptor = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard descriptor >= 0 else {
      guard errno != ENXIO else { throw refusal(path, "no process reads this pipe") }
      throw Failure.system(errno, "open", path, writing: true)
    }
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK)
    return descriptor
  }
}

/// Writes all of a buffer at the position of a descriptor, waiting while a pipe is full.
///
/// - Parameters:
///   - buffer: The bytes to write; may be empty.
///   - descriptor: A file descriptor that is open for writing.
/// - Returns: 0, or the `errno` of the write that failed.
package func writeAll(_ buffer: UnsafeRawBufferPointer, to descriptor: Int32) -> Int32 {
  var done = 0
  while done < buffer.count {
    let wrote = write(descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done)
    if wrote > 0 {
      done += wrote
    } else if wrote < 0 && errno == EAGAIN {
      // A process that shares the descriptor made it non-blocking.
      var wait = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      _ = poll(&wait, 1, -1)
    } else if wrote == 0 || errno != EINTR {
      return wrote == 0 ? EIO : errno
    }
  }
  return 0
}
