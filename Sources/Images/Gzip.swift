import CZlib
import Files

/// Returns the content of a gzip file with one member, the format of the MNIST data sets.
///
/// The size that the file declares is checked before memory is allocated, against 1 GiB and against
/// deflate's own limit of 1032 bytes per byte.
///
/// - Throws: ``Failure`` `GzipLimit` (65) if the declared size exceeds a limit, `GzipMalformed`
///   (65) if the data are damaged, truncated or followed by other data, `OutOfMemory` (71) if zlib
///   has no memory.
func gunzipped(_ bytes: [UInt8], subject: String) throws(Failure) -> [UInt8] {
  // The last four bytes hold the length of the content.
  let size = bytes.suffix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
  guard size <= 1 << 30, size <= bytes.count * 1032, bytes.count < UInt32.max else {
    throw Failure(.dataRefused, .gzipLimit, subject, "\(bytes.count) bytes that inflate to \(size)")
  }
  var stream = z_stream()
  let windowBits: Int32 = 15 + 16  // 16 selects the gzip header and its checks.
  guard
    inflateInit2_(&stream, windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
  else { throw Failure(.outOfMemory, .outOfMemory, subject, "zlib ran out of memory") }
  defer { inflateEnd(&stream) }
  var (input, isComplete) = (bytes, false)
  let content = [UInt8](unsafeUninitializedCapacity: size) { output, count in
    input.withUnsafeMutableBufferPointer { source in
      stream.next_in = source.baseAddress
      stream.avail_in = UInt32(source.count)
      stream.next_out = output.baseAddress
      stream.avail_out = UInt32(size)
      isComplete =
        inflate(&stream, Z_FINISH) == Z_STREAM_END && stream.avail_in == 0 && stream.avail_out == 0
    }
    count = size - Int(stream.avail_out)
  }
  guard isComplete else {
    throw Failure(.dataRefused, .gzipMalformed, subject, "damaged, cut short, or several members")
  }
  return content
}
