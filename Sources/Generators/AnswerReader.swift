import Files
import Foundation

#if canImport(Glibc)
  import Glibc
#endif

/// Reads lines and bytes from the answers of a program.
package struct AnswerReader {
  private let descriptor: Int32
  private var buffer: [UInt8] = []
  /// Whether the program has said what it is.
  var isIntroduced = false

  /// Why nothing could be read.
  package enum Problem: Error, Equatable {
    /// The program closed the descriptor, or ended; with the number of bytes that came before.
    case ended(after: Int)
    /// Nothing came in time.
    case timeout
    /// A line is longer than possible.
    case lineTooLong
    /// The system call failed.
    case system(Int32)
  }

  package init(_ descriptor: Int32) { self.descriptor = descriptor }

  /// Returns the next line without its end.
  package mutating func line(by deadline: ContinuousClock.Instant) throws(Problem) -> [UInt8] {
    var searched = 0
    while true {
      if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
        let line = Array(buffer[..<end])
        buffer.removeFirst(end + 1)
        return line
      }
      searched = buffer.count
      guard searched <= GeneratorProtocol.maximumLine else { throw .lineTooLong }
      let more = try read(atMost: 4096, by: deadline)
      buffer += more
    }
  }

  /// Returns the next `count` bytes.
  package mutating func bytes(
    _ count: Int, by deadline: ContinuousClock.Instant
  ) throws(Problem) -> [UInt8] {
    var bytes = Array(buffer.prefix(count))
    buffer.removeFirst(bytes.count)
    bytes.reserveCapacity(count)
    while bytes.count < count {
      do throws(Problem) {
        bytes += try read(atMost: min(count - bytes.count, 1 << 20), by: deadline)
      } catch {
        throw error == .ended(after: 0) ? .ended(after: bytes.count) : error
      }
    }
    return bytes
  }

  private func read(
    atMost count: Int, by deadline: ContinuousClock.Instant
  ) throws(Problem) -> [UInt8] {
    while true {
      var status = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let left = (deadline - .now) / .milliseconds(1)
      guard left > 0 else { throw .timeout }
      let number = poll(&status, 1, Int32(min(left.rounded(.up), 60_000)))
      if number == 0 || (number < 0 && errno == EINTR) { continue }
      guard number > 0 else { throw .system(errno) }
      var error: Int32 = 0
      let found = [UInt8](unsafeUninitializedCapacity: count) { space, length in
        let result = Glibc.read(descriptor, space.baseAddress, count)
        error = errno
        length = max(0, result)
        if result >= 0 { error = 0 }
      }
      if error == EINTR || error == EAGAIN { continue }
      guard error == 0 else { throw .system(error) }
      guard !found.isEmpty else { throw .ended(after: 0) }
      return found
    }
  }
}

/// Writes bytes to a descriptor that does not block, without the signal that a closed pipe causes.
func write(
  _ bytes: [UInt8], to descriptor: Int32, by deadline: ContinuousClock.Instant
) throws(AnswerReader.Problem) {
  var (pipe, before) = (sigset_t(), sigset_t())
  sigemptyset(&pipe)
  sigaddset(&pipe, SIGPIPE)
  pthread_sigmask(SIG_BLOCK, &pipe, &before)
  defer {
    var none = timespec()
    while sigtimedwait(&pipe, nil, &none) < 0, errno == EINTR {}
    pthread_sigmask(SIG_SETMASK, &before, nil)
  }
  var done = 0
  while done < bytes.count {
    let count = bytes[done...].withUnsafeBytes {
      Glibc.write(descriptor, $0.baseAddress, $0.count)
    }
    if count >= 0 {
      done += count
    } else if errno == EAGAIN {
      let left = (deadline - .now) / .milliseconds(1)
      guard left > 0 else { throw .timeout }
      var status = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      poll(&status, 1, Int32(min(left.rounded(.up), 60_000)))
    } else if errno == EPIPE {
      throw .ended(after: 0)
    } else if errno != EINTR {
      throw .system(errno)
    }
  }
}
