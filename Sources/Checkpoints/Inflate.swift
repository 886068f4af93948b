import CZlib

/// Inflates a raw deflate stream, which must yield exactly `size` bytes and end with the input.
/// Returns nil if it does not.
func inflated(_ stored: [UInt8], size: Int) -> [UInt8]? {
  guard stored.count < UInt32.max, size < UInt32.max else { return nil }
  var stream = z_stream()
  guard inflateInit2_(&stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
    return nil
  }
  defer { inflateEnd(&stream) }
  var input = stored
  var isComplete = false
  // One additional byte reveals a stream that is too long.
  let content = [UInt8](unsafeUninitializedCapacity: size + 1) { output, count in
    input.withUnsafeMutableBufferPointer { source in
      stream.next_in = source.baseAddress
      stream.avail_in = UInt32(source.count)
      stream.next_out = output.baseAddress
      stream.avail_out = UInt32(size + 1)
      isComplete =
        inflate(&stream, Z_FINISH) == Z_STREAM_END && stream.avail_in == 0 && stream.avail_out == 1
    }
    count = size + 1 - Int(stream.avail_out)
  }
  return isComplete ? content : nil
}
