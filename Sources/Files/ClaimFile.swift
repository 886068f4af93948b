#if canImport(Glibc)
  import Glibc
#endif
import Synchronization

/// Numbers that processes on any number of hosts can claim, each held by one process at a time.
///
/// A claim is a lock on one byte of a file (an open file description lock, fcntl(2)). It leaves
/// nothing behind, and the kernel releases it when the process ends for any reason. On a file
/// system that does not propagate locks between hosts, claims become useless but never wrong: the
/// holder of a claim must tolerate a different process doing the same work.
package final class ClaimFile: Sendable {
  /// The path of the file.
  package let path: String
  private let descriptor: Int32
  /// The claims of this process, whose own locks do not exclude each other.
  private let own = Mutex<Set<Int>>([])

  /// Opens the file, creating it if it does not exist.
  ///
  /// - Throws: ``Failure`` `CannotCreate` (73) if the file cannot be opened for writing;
  ///   `DiskFull`, `InputOutput` (74) or `OutOfMemory` (71) if the system call fails in that way.
  package init(path: String) throws(Failure) {
    self.path = path
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o666)
    guard descriptor >= 0 else { throw Failure.system(errno, "create", path, writing: true) }
  }

  deinit { close(descriptor) }

  /// Claims `number`.
  ///
  /// - Parameter number: The number to claim, at least 0.
  /// - Returns: True if this call made the claim, false if the number was already claimed, by this
  ///   process or a different one.
  /// - Throws: ``Failure`` `InputOutput` (74) if the file cannot be locked.
  package func claim(_ number: Int) throws(Failure) -> Bool {
    let (isOurs, error) = own.withLock { own in
      guard !own.contains(number) else { return (false, Int32(0)) }
      let error = lock(number, F_WRLCK)
      if error == 0 { own.insert(number) }
      return (error == 0, error)
    }
    guard isOurs || [0, EAGAIN, EACCES].contains(error) else {
      throw Failure.system(error, "lock", path, writing: true)
    }
    return isOurs
  }

  /// Releases the claim on a number. Does nothing if this process does not hold it.
  ///
  /// - Parameter number: A number that ``claim(_:)`` claimed, at least 0.
  package func release(_ number: Int) {
    own.withLock { own in
      guard own.remove(number) != nil else { return }
      _ = lock(number, F_UNLCK)
    }
  }

  /// Locks or unlocks the byte at `number`.
  ///
  /// - Returns: 0, or the `errno` of the failure.
  private func lock(_ number: Int, _ type: Int32) -> Int32 {
    // F_OFD_SETLK, which Glibc declares for C only.
    let setOpenFileDescriptionLock: Int32 = 37
    var region = flock()
    region.l_type = Int16(type)
    region.l_whence = Int16(SEEK_SET)
    region.l_start = off_t(number)
    region.l_len = 1
    return fcntl(descriptor, setOpenFileDescriptionLock, &region) == 0 ? 0 : errno
  }
}
