#if canImport(Glibc)
  import Glibc
#endif

/// An unnamed temporary file that no process can leave behind, for data that are written once, read
/// back at any position, and too large to keep in memory.
package final class ScratchFile: Sendable {
  private let descriptor: Int32
  private let folder: String

  /// Creates an empty file, which disappears with this value.
  ///
  /// - Parameter folder: The folder on whose file system the data are stored.
  /// - Throws: ``Failure`` `CannotCreate` (73) if the folder is missing or not writable;
  ///   `DiskFull`, `InputOutput` (74) or `OutOfMemory` (71) if the system call fails in that way.
  package init(folder: String) throws(Failure) {
    (descriptor, self.folder) = (try unnamedFile(in: folder), folder)
  }

  deinit { close(descriptor) }

  /// Writes `values` at a position in the file.
  ///
  /// - Parameters:
  ///   - values: The values to write, as float32.
  ///   - offset: The position of the first one, counted in values.
  /// - Throws: ``Failure`` `DiskFull` or `InputOutput` (74) if writing fails.
  package func write(_ values: [Float], at offset: Int) throws(Failure) {
    let written: Int32 = values.withUnsafeBytes { bytes in
      var done = 0
      while done < bytes.count {
        let count = pwrite(
          descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done,
          off_t(4 * offset + done))
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { return errno }
        done += count
      }
      return 0
    }
    guard written == 0 else {
      throw Failure.system(written, "write a temporary file in", folder, writing: true)
    }
  }

  /// Reads values that have been written before.
  ///
  /// - Parameters:
  ///   - offset: The position of the first one, counted in values.
  ///   - count: The number of values.
  /// - Throws: ``Failure`` `InputOutput` (74) if reading fails or the values were not written.
  package func read(at offset: Int, count: Int) throws(Failure) -> [Float] {
    var error: Int32 = 0
    let values = [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      let bytes = UnsafeMutableRawBufferPointer(buffer)
      var done = 0
      while done < bytes.count {
        let got = pread(
          descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done,
          off_t(4 * offset + done))
        if got < 0 && errno == EINTR { continue }
        guard got > 0 else {
          error = got < 0 ? errno : EIO
          return
        }
        done += got
      }
      initialized = count
    }
    guard error == 0 else { throw Failure.system(error, "read a temporary file in", folder) }
    return values
  }
}

/// Returns a descriptor of a temporary file without a name, at its beginning, for a program to read or write.
///
/// - Parameter content: What the file contains.
/// - Throws: ``Failure`` `CannotCreate` (73) if the folder `$TMPDIR` is missing or not writable;
///   `DiskFull`, `InputOutput` (74) or `OutOfMemory` (71) if a system call fails in that way.
package func unnamedTemporaryFile(_ content: [UInt8]) throws(Failure) -> Int32 {
  let descriptor = try unnamedFile(in: temporaryFolder)
  var error = content.withUnsafeBytes { writeAll($0, to: descriptor) }
  if error == 0, lseek(descriptor, 0, SEEK_SET) != 0 { error = errno }
  guard error == 0 else {
    close(descriptor)
    throw Failure.system(error, "write a temporary file in", temporaryFolder, writing: true)
  }
  return descriptor
}

/// Opens a new file for reading and writing, and removes its name.
func unnamedFile(in folder: String) throws(Failure) -> Int32 {
  // Where a file needs a name for a moment, a process that is killed in it leaves the file behind.
  let unnamed = open(folder, openUnnamed | O_RDWR | O_CLOEXEC, 0o600)
  if unnamed >= 0 { return unnamed }
  let path = "\(folder)/dis-eval.\(String(UInt64.random(in: .min ... .max), radix: 36))"
  let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
  guard descriptor >= 0 else { throw Failure.system(errno, "create", path, writing: true) }
  unlink(path)
  return descriptor
}

/// `O_TMPFILE`, which Glibc declares for C only: opens a new file without a name in a folder. Some file
/// systems have none.
let openUnnamed: Int32 = 0o20_000_000 | O_DIRECTORY

/// The value of `$TMPDIR`, or `/tmp`.
var temporaryFolder: String {
  guard let folder = getenv("TMPDIR"), folder.pointee != 0 else { return "/tmp" }
  return String(cString: folder)
}
