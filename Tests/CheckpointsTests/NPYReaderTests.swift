import CZlib
import Checkpoints
import Files
import Foundation
import Testing
import _TestSupport

/// Arrays read in parts, from deflated entries above all. numpy's own file stands first; the others
/// are made of pieces, so that they may be damaged at will.
@Suite struct NPYReaderTests {
  @Test func numpysDeflatedArrays() throws {
    let archive = try NPZ.read(fixture("arrays/deflated.npz"))
    for name in archive.names {
      let (reader, array) = (try archive.reader(name), try archive.array(name))
      #expect(reader.type == array.type && reader.shape == array.shape)
      #expect(try reader.bytes(0..<array.bytes.count) == array.bytes)
      #expect(try reader.bytes(0..<0) == [])
    }
  }

  /// 40 MiB, more than the window of 32 and than two saved states apart.
  @Test("parts come right in every order, from several threads at once") func orders() async throws
  {
    let content = Self.content(40 << 20)
    let array = NPYArray(bytes: content, shape: [content.count])
    let file = try Self.zip(array.serialized())
    try await withTemporary(file) { path in
      let reader = try NPZ.read(path).reader("arr_0")
      func check(_ start: Int, _ count: Int) throws {
        let range = start..<min(start + count, content.count)
        #expect(try reader.bytes(range) == Array(content[range]))
      }
      for start in stride(from: 0, to: content.count, by: 7_000_003) { try check(start, 100_001) }
      for start in stride(from: content.count - 1, to: 0, by: -9_000_017) {
        try check(start, 70_000)
      }
      try check(0, content.count)
      try check(content.count - 1, 1)
      var random = SeededGenerator(seed: 3)
      for _ in 0..<20 { try check(Int.random(in: 0..<content.count, using: &random), 300_000) }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for worker in 0..<4 {
          group.addTask { () throws in
            for index in stride(from: worker, to: 400, by: 4) {
              let range = index * 100_000..<(index + 1) * 100_000
              #expect(try reader.bytes(range) == Array(content[range]))
            }
          }
        }
        try await group.waitForAll()
      }
    }
  }

  @Test("a deflated array that is shorter or longer than it says is refused") func lengths() throws
  {
    let header = NPYArray(bytes: [UInt8](repeating: 1, count: 1000), shape: [1000]).serialized()
    func code(_ content: [UInt8], size: Int? = nil, checksum: UInt32? = nil) throws -> String? {
      try withFile(try Self.zip(content, size: size, checksum: checksum)) { path in
        CheckpointsTests.code { try NPZ.read(path).reader("arr_0") }
      }
    }
    #expect(try code(header) == nil)
    // What the header says, what the zip file says, and what is there.
    #expect(try code(header.dropLast()) == "NpyMalformed")
    #expect(try code(header + [1]) == "NpyMalformed")
    #expect(try code(header, size: header.count - 1) == "ZipMalformed")
    #expect(try code(header, size: header.count + 1) == "ZipMalformed")
    #expect(try code(header, size: 1 << 40) == "ZipMalformed")
    #expect(try code(header, checksum: 1) == "CRCMismatch")
    #expect(try code([]) == "NpyMalformed")
  }

  @Test("every changed byte and every cut of the deflated data is refused") func damage() throws {
    let content = Self.content(3000)
    let bytes = try Self.zip(NPYArray(bytes: content, shape: [3000]).serialized())
    let end = try #require(
      bytes.indices.first { bytes[$0...].starts(with: Array("PK\u{1}\u{2}".utf8)) })
    var damaged = bytes
    for index in 39..<end {
      damaged[index] ^= 1 << UInt8(index % 8)
      try withFile(damaged) { path in
        let code = code { try NPZ.read(path).reader("arr_0") }
        #expect(["ZipMalformed", "CRCMismatch"].contains(code), "byte \(index)")
      }
      damaged[index] = bytes[index]
    }
    for count in stride(from: 0, to: bytes.count, by: 11) {
      #expect(try withFile(Array(bytes[..<count])) { path in code { try NPZ.read(path) } } != nil)
    }
  }

  @Test("what inflates a thousandfold is read in parts, but never held") func bomb() throws {
    let size = 200 << 20
    let header = Self.header(shape: [size])
    let bytes = try Self.zip(header, zeros: size)
    try withFile(bytes) { path in
      let archive = try NPZ.read(path)
      #expect(code { try archive.array("arr_0") } == "ZipLimit")
      #expect(try archive.layout("arr_0").shape == [size])
      let reader = try archive.reader("arr_0")
      #expect(try reader.bytes(size - 3..<size) == [0, 0, 0])
      #expect(try reader.bytes(5..<8) == [0, 0, 0])
    }
  }

  @Test("a file that changes while it is read is noticed") func changes() throws {
    let content = Self.content(4 << 20)
    let file = try Self.zip(NPYArray(bytes: content, shape: [content.count]).serialized())
    try withFile(file) { path in
      let reader = try NPZ.read(path).reader("arr_0")
      _ = try reader.bytes(0..<10)
      truncate(path, 1000)
      #expect(code { try reader.bytes(content.count - 10..<content.count) } == "Truncated")
    }
  }

  @Test("arrays that must be held have a limit") func held() throws {
    let shape = [1 << 15, (1 << 15) + 1]
    let header = Self.header(shape: shape, isFortranOrder: true)
    try withFile(header) { path in
      truncate(path, off_t(header.count + shape[0] * shape[1]))
      #expect(code { try NPYReader(path: path) } == "NpyLimit")
    }
  }

  // MARK: Files

  /// Bytes that deflate about by half, without a period.
  private static func content(_ count: Int) -> [UInt8] {
    var random = SeededGenerator(seed: 1)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 8)
    while bytes.count < count {
      let word = random.next()
      for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: word >> (8 * shift)) & 0x3F) }
    }
    return Array(bytes[..<count])
  }

  private static func header(shape: [Int], isFortranOrder: Bool = false) -> [UInt8] {
    let extents = shape.map { "\($0)," }.joined()
    let order = isFortranOrder ? "True" : "False"
    let text = "{'descr': '|u1', 'fortran_order': \(order), 'shape': (\(extents))}\n"
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(text.utf8.count), 0] + Array(text.utf8)
  }

  /// A zip file with the one deflated entry `arr_0.npy`: `content`, and zeros behind it.
  ///
  /// - Parameters:
  ///   - size: What the file says the entry inflates to.
  ///   - checksum: What it says its checksum is.
  private static func zip(
    _ content: [UInt8], zeros: Int = 0, size: Int? = nil, checksum: UInt32? = nil
  ) throws -> [UInt8] {
    var stream = z_stream()
    #expect(
      deflateInit2_(
        &stream, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
        Int32(MemoryLayout<z_stream>.size)) == Z_OK)
    defer { deflateEnd(&stream) }
    var (packed, found): ([UInt8], UInt) = ([], 0)
    var output = [UInt8](repeating: 0, count: 1 << 20)
    func deflate(_ piece: [UInt8], _ flush: Int32) {
      found = crc32_z(found, piece, piece.count)
      var piece = piece
      piece.withUnsafeMutableBufferPointer { input in
        stream.next_in = input.baseAddress
        stream.avail_in = UInt32(input.count)
        repeat {
          let made = output.withUnsafeMutableBufferPointer { target in
            stream.next_out = target.baseAddress
            stream.avail_out = UInt32(target.count)
            _ = CZlib.deflate(&stream, flush)
            return target.count - Int(stream.avail_out)
          }
          packed += output[..<made]
        } while stream.avail_out == 0
      }
    }
    deflate(content, Z_NO_FLUSH)
    let blank = [UInt8](repeating: 0, count: 1 << 20)
    for start in Swift.stride(from: 0, to: zeros, by: blank.count) {
      deflate(zeros - start < blank.count ? Array(blank[..<(zeros - start)]) : blank, Z_NO_FLUSH)
    }
    deflate([], Z_FINISH)

    let name = Array("arr_0.npy".utf8)
    let sizes = [packed.count, size ?? content.count + zeros]
    let isLarge = sizes[1] > 0xFFFF_FFFE
    let large = isLarge ? bytes(1, 2) + bytes(16, 2) + bytes(sizes[1], 8) + bytes(sizes[0], 8) : []
    let fields =
      bytes(20, 2) + bytes(0, 2) + bytes(8, 2) + bytes(0, 4)
      + bytes(checksum.map(Int.init) ?? Int(found), 4)
      + sizes.flatMap { bytes(isLarge ? 0xFFFF_FFFF : $0, 4) } + bytes(name.count, 2)
      + bytes(large.count, 2)
    let local = Array("PK\u{3}\u{4}".utf8) + fields + name + large + packed
    let central =
      Array("PK\u{1}\u{2}".utf8) + bytes(20, 2) + fields + bytes(0, 14) + name + large
    return local + central + Array("PK\u{5}\u{6}".utf8) + bytes(0, 4) + bytes(1, 2) + bytes(1, 2)
      + bytes(central.count, 4) + bytes(local.count, 4) + bytes(0, 2)
  }

  /// `value` in `count` little-endian bytes.
  private static func bytes(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { $0 < 8 ? UInt8(truncatingIfNeeded: value >> (8 * $0)) : 0 }
  }
}

/// Like `withFile`, for bodies that wait.
private func withTemporary(_ bytes: [UInt8], _ body: (String) async throws -> Void) async throws {
  let folder = try TemporaryFolder()
  try AtomicFile.write(bytes, to: folder.path("file"))
  try await body(folder.path("file"))
}
