#if canImport(Glibc)
  import Glibc
#endif
import Synchronization

/// Numbers that processes on any number of hosts claim for themselves, one holder each.
///
/// A claim is a lock on one byte of a file (an open file description lock, fcntl(2)): it leaves
/// nothing behind, and the kernel gives it back when its process ends, however that ends. A file
/// system that does not pass locks between hosts makes claims useless, never wrong: whoever claims
/// must be able to stand another doing the same.
package final class ClaimFile: Sendable {
  /// The path of the file.
  package let path: String
  private let descriptor: Int32
  /// Claims of this process: its locks do not exclude each other.
  private let own = Mutex<Set<Int>>([])

  /// Opens the file, making it if it is not there.
  package init(path: String) throws(Failure) {
    self.path = path
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o666)
    guard descriptor >= 0 else { throw Failure.system(errno, "create", path, writing: true) }
  }

  deinit { close(descriptor) }

  /// Claims `number`, at least 0.
  ///
  /// - Returns: Whether it is now claimed here; false if it was already, here or elsewhere.
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

  /// Gives `number` back.
  package func release(_ number: Int) {
    own.withLock { own in
      guard own.remove(number) != nil else { return }
      _ = lock(number, F_UNLCK)
    }
  }

  /// - Returns: 0, or the `errno`.
  private func lock(_ number: Int, _ type: Int32) -> Int32 {
    // F_OFD_SETLK, which Glibc declares for C alone.
    let setOpenFileDescriptionLock: Int32 = 37
    var region = flock()
    region.l_type = Int16(type)
    region.l_whence = Int16(SEEK_SET)
    region.l_start = off_t(number)
    region.l_len = 1
    return fcntl(descriptor, setOpenFileDescriptionLock, &region) == 0 ? 0 : errno
  }
}
