import CImageCodecs
import CZlib
import Foundation
import Images
import _TestSupport

/// A PNG file made of its parts, so that each may be damaged by itself.
struct PNGFile {
  var width: Int
  var height: Int
  var type: UInt8
  var depth: UInt8
  var isInterlaced: Bool
  var beforePixels: [UInt8] = []
  /// The filtered rows, with every filter.
  var rows: [UInt8] = []
  /// The rows, compressed.
  var stream: [UInt8] = []
  /// The lengths of all IDAT chunks except the last one, which has the rest.
  var chunkLengths: [Int] = []
  /// The IDAT chunks whose CRC is wrong.
  var wrongCRCs: Set<Int> = []
  /// What follows the first IDAT chunk.
  var betweenPixels: [UInt8] = []
  var afterPixels: [UInt8] = []
  var end = pngChunk("IEND", [])

  init(
    width: Int = 40, height: Int = 30, type: UInt8 = 2, depth: UInt8 = 8,
    isInterlaced: Bool = false, level: Int32 = 6, strategy: Int32 = Z_DEFAULT_STRATEGY,
    windowBits: Int32 = 15
  ) {
    (self.width, self.height, self.type, self.depth) = (width, height, type, depth)
    self.isInterlaced = isInterlaced
    if type == 3 { beforePixels = pngChunk("PLTE", (0..<3 << depth).map { UInt8($0 * 7 & 255) }) }
    var random = SeededGenerator(seed: 4)
    for (columns, rowCount) in passes {
      for _ in 0..<rowCount {
        rows.append(.random(in: 0...4, using: &random))
        // Mostly zeros, so that the compressed pixels have room where the decoded ones will be.
        for _ in 0..<rowBytes(columns) {
          let isZero = Int.random(in: 0..<20, using: &random) > 0
          rows.append(isZero ? 0 : .random(in: 0...255, using: &random))
        }
      }
    }
    stream = zlibStream(rows, level: level, strategy: strategy, windowBits: windowBits)
  }

  /// The columns and rows of each pass.
  private var passes: [(columns: Int, rows: Int)] {
    guard isInterlaced else { return [(width, height)] }
    let adam7 = [
      (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
      (0, 1, 1, 2),
    ]
    return adam7.map { x, y, columnStep, rowStep in
      ((width - x + columnStep - 1) / columnStep, (height - y + rowStep - 1) / rowStep)
    }.filter { $0.0 > 0 && $0.1 > 0 }
  }

  private func rowBytes(_ columns: Int) -> Int {
    let samples = [0: 1, 2: 3, 3: 1, 4: 2, 6: 4][type] ?? 0
    return (columns * samples * Int(depth) + 7) / 8
  }

  private var dataChunks: [UInt8] {
    var (chunks, rest) = ([UInt8](), stream[...])
    for (index, length) in (chunkLengths + [stream.count]).enumerated() {
      let content = Array(rest.prefix(length))
      chunks += pngChunk("IDAT", content, hasRightCRC: !wrongCRCs.contains(index))
      rest = rest.dropFirst(length)
      if index == 0 { chunks += betweenPixels }
    }
    return chunks
  }

  /// The whole file.
  var bytes: [UInt8] {
    let extents = bigEndian(UInt32(width)) + bigEndian(UInt32(height))
    let header = pngChunk("IHDR", extents + [depth, type, 0, 0, isInterlaced ? 1 : 0])
    return PNG.signature + header + beforePixels + dataChunks + afterPixels + end
  }

  /// Whether libdeflate inflates the pixels, with the room that the decoder has for them.
  var isInflated: Bool {
    let chunks = dataChunks + afterPixels + end
    var scratch = [UInt8](repeating: 0, count: width * height * (type & 2 == 0 ? 1 : 3))
    var result = dis_png_inflated()
    defer { free(result.stream) }
    let size = height * (1 + rowBytes(width))
    return dis_png_inflate(&result, chunks, chunks.count, size, &scratch, scratch.count)
  }
}

/// A chunk with its name, its content and their CRC, or a wrong one.
func pngChunk(_ name: String, _ content: [UInt8], hasRightCRC: Bool = true) -> [UInt8] {
  let checked = Array(name.utf8) + content
  let checksum = UInt32(crc32_z(0, checked, checked.count))
  return bigEndian(UInt32(content.count)) + checked + bigEndian(hasRightCRC ? checksum : ~checksum)
}

func bigEndian(_ value: UInt32) -> [UInt8] {
  [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
}

/// Compresses bytes.
func zlibStream(
  _ bytes: [UInt8], level: Int32 = 6, strategy: Int32 = Z_DEFAULT_STRATEGY, windowBits: Int32 = 15
) -> [UInt8] {
  var stream = z_stream()
  let status = deflateInit2_(
    &stream, level, Z_DEFLATED, windowBits, 8, strategy, ZLIB_VERSION,
    Int32(MemoryLayout<z_stream>.size))
  precondition(status == Z_OK)
  defer { deflateEnd(&stream) }
  var input = bytes
  let bound = Int(deflateBound(&stream, UInt(bytes.count)))
  return [UInt8](unsafeUninitializedCapacity: bound) { output, count in
    input.withUnsafeMutableBufferPointer { source in
      stream.next_in = source.baseAddress
      stream.avail_in = UInt32(source.count)
      stream.next_out = output.baseAddress
      stream.avail_out = UInt32(bound)
      precondition(deflate(&stream, Z_FINISH) == Z_STREAM_END)
    }
    count = Int(stream.total_out)
  }
}

/// The Adler-32 of what zlib inflates from a stream, whatever checksum that has. Nil if it cannot.
func adler32(ofInflated stream: [UInt8]) -> [UInt8]? {
  guard stream.count > 6 else { return nil }
  var inflating = z_stream()
  // Without header and checksum.
  guard
    inflateInit2_(&inflating, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
  else { return nil }
  defer { inflateEnd(&inflating) }
  var (input, output) = (Array(stream[2...]), [UInt8](repeating: 0, count: 1 << 20))
  return input.withUnsafeMutableBufferPointer { source in
    output.withUnsafeMutableBufferPointer { target in
      inflating.next_in = source.baseAddress
      inflating.avail_in = UInt32(source.count)
      inflating.next_out = target.baseAddress
      inflating.avail_out = UInt32(target.count)
      guard inflate(&inflating, Z_FINISH) == Z_STREAM_END else { return nil }
      return bigEndian(UInt32(adler32_z(1, target.baseAddress, Int(inflating.total_out))))
    }
  }
}
