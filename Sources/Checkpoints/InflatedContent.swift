import CZlib
import Files
import Synchronization

/// The content of a deflated part of a file, readable in any order without holding all of it in
/// memory.
///
/// Deflate has no index, so reading is fast only in the forward direction. The last 32 MiB are kept
/// for workers that are slightly behind, and a read further back or ahead starts from one of at
/// most 256 saved states of zlib, which take 40 kB each.
final class InflatedContent: Sendable {
  /// The size of the content in bytes.
  let size: Int
  private let state: Mutex<State>

  /// The number of bytes inflated at a time.
  private static let pieceSize = 256 << 10
  /// The number of pieces that are kept.
  private static let windowCount = 128

  /// Inflates all of `range` of `file` once, to verify its size and checksum and to save states.
  ///
  /// - Parameters:
  ///   - file: The file.
  ///   - range: The deflated bytes in the file.
  ///   - size: The expected size of the content in bytes.
  ///   - checksum: The expected CRC-32 of the content.
  ///   - subject: The name of the content, for messages.
  /// - Throws: ``Failure`` (65) `ZipMalformed` if the data are damaged or have a different size,
  ///   `CRCMismatch` if the checksum differs; `OutOfMemory` (71) if zlib has no memory; or the
  ///   failure of reading the file.
  init(
    _ file: ReadableFile, range: Range<Int>, size: Int, checksum: UInt32, subject: String
  ) throws(Failure) {
    let inflater = try Inflater(file, range: range, subject: subject)
    // Use whole pieces, so that the pieces of every pass begin at the same offsets.
    let spacing = max(16 << 20, size / 256 / Self.pieceSize * Self.pieceSize + Self.pieceSize)
    var saved: [Inflater] = []
    var found: UInt = 0
    while inflater.position < size {
      if inflater.position == saved.count * spacing { saved.append(try inflater.copy()) }
      let piece = try inflater.next(min(Self.pieceSize, size - inflater.position))
      guard !piece.isEmpty else { break }
      found = piece.withUnsafeBufferPointer { crc32_z(found, $0.baseAddress, $0.count) }
    }
    guard inflater.position == size, try inflater.next(1).isEmpty, inflater.hasUsedAllInput else {
      throw .refused(.zipMalformed, subject, "does not inflate to \(size) bytes")
    }
    guard found == UInt(checksum) else {
      throw .refused(
        .crcMismatch, subject,
        "checksum \(String(found, radix: 16)), expected \(String(checksum, radix: 16))")
    }
    self.size = size
    state = Mutex(
      State(
        inflater: try Inflater(file, range: range, subject: subject), checkpoints: saved,
        spacing: spacing))
  }

  /// Returns at most the first `count` bytes of the content of `range` of `file`, without verifying
  /// anything.
  static func start(
    of range: Range<Int>, in file: ReadableFile, count: Int, subject: String
  ) throws(Failure) -> [UInt8] {
    try Inflater(file, range: range, subject: subject).next(count)
  }

  /// Returns the bytes at `range` of the content.
  func bytes(_ range: Range<Int>) throws(Failure) -> [UInt8] {
    precondition(range.upperBound <= size, "\(range) of \(size) bytes")
    return try state.withLock { (state) throws(Failure) in try state.bytes(range) }
  }

  private struct State {
    var inflater: Inflater
    /// The states of zlib at the multiples of ``spacing``. Only copies of them are used for
    /// inflating.
    let checkpoints: [Inflater]
    let spacing: Int
    /// The pieces inflated last, the oldest first. They end at the position of `inflater`.
    var pieces: [[UInt8]] = []
    /// The position of the oldest piece.
    var start = 0

    mutating func bytes(_ range: Range<Int>) throws(Failure) -> [UInt8] {
      var result: [UInt8] = []
      result.reserveCapacity(range.count)
      while result.count < range.count {
        let position = range.lowerBound + result.count
        if position < start || position >= inflater.position + spacing {
          start = position / spacing * spacing
          inflater = try checkpoints[position / spacing].copy()
          pieces = []
        } else if position < inflater.position {
          let (index, offset) = (position - start).quotientAndRemainder(dividingBy: pieceSize)
          result += pieces[index][offset...].prefix(range.count - result.count)
        } else {
          let piece = try inflater.next(pieceSize)
          guard !piece.isEmpty else { throw inflater.changed }
          pieces.append(piece)
          if pieces.count > windowCount {
            start += pieces[0].count
            pieces.removeFirst()
          }
        }
      }
      return result
    }
  }
}

/// A raw deflate stream in a file, with a position in its content.
private final class Inflater {
  /// The number of bytes inflated so far.
  private(set) var position = 0
  private let file: ReadableFile
  private let subject: String
  /// The bytes that have not been inflated yet.
  private var range: Range<Int>
  private var isAtEnd = false
  /// zlib stores the address, so it must not change.
  private let stream: UnsafeMutablePointer<z_stream>

  private static let inputSize = 16 << 10

  init(_ file: ReadableFile, range: Range<Int>, subject: String) throws(Failure) {
    (self.file, self.range, self.subject) = (file, range, subject)
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    try check(inflateInit2_(stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)))
  }

  private init(copying other: Inflater) throws(Failure) {
    (file, range, subject) = (other.file, other.range, other.subject)
    (position, isAtEnd) = (other.position, other.isAtEnd)
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    try check(inflateCopy(stream, other.stream))
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  /// Returns a second inflater at the same position.
  func copy() throws(Failure) -> Inflater { try Inflater(copying: self) }

  /// Whether the stream ended exactly at the end of its input.
  var hasUsedAllInput: Bool { isAtEnd && range.isEmpty }

  /// The failure for a stream that was verified and cannot be inflated again.
  var changed: Failure {
    .refused(.inputChanged, subject, "the file changed while it was read")
  }

  /// Returns the next `count` bytes, or fewer at the end of the stream.
  ///
  /// - Throws: ``Failure`` `ZipMalformed` (65) if the data are damaged.
  func next(_ count: Int) throws(Failure) -> [UInt8] {
    var output = [UInt8](repeating: 0, count: count)
    var done = 0
    while done < count, !isAtEnd {
      // Input that zlib does not consume is read again.
      var input = try file.bytes(at: range.lowerBound, count: min(range.count, Self.inputSize))
      let status = input.withUnsafeMutableBufferPointer { source in
        output.withUnsafeMutableBufferPointer { target in
          stream.pointee.next_in = source.baseAddress
          stream.pointee.avail_in = UInt32(source.count)
          stream.pointee.next_out = target.baseAddress.map { $0 + done }
          stream.pointee.avail_out = UInt32(count - done)
          return inflate(stream, Z_NO_FLUSH)
        }
      }
      guard status == Z_OK || status == Z_STREAM_END else {
        throw .refused(.zipMalformed, subject, "the deflated data are damaged or truncated")
      }
      range = range.dropFirst(input.count - Int(stream.pointee.avail_in))
      done = count - Int(stream.pointee.avail_out)
      isAtEnd = status == Z_STREAM_END
    }
    position += done
    return done == count ? output : Array(output[..<done])
  }

  private func check(_ status: Int32) throws(Failure) {
    guard status == Z_OK else {
      throw Failure(.outOfMemory, .outOfMemory, subject, "zlib ran out of memory")
    }
  }
}
