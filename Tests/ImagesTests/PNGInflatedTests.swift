import CZlib
import Files
import Images
import Testing
import _TestSupport

/// libdeflate inflates the pixels of most PNG files, and zlib inside libpng those of the others.
/// Here every file is read in both ways, which must agree in the pixels or in what is wrong.
@Suite struct PNGInflatedTests {
  /// The colour types and depths of PNG, except grey of 16 bits, which is refused before.
  static let kinds: [(type: UInt8, depth: UInt8)] = [
    (0, 1), (0, 2), (0, 4), (0, 8), (2, 8), (2, 16), (3, 1), (3, 2), (3, 4), (3, 8), (4, 8),
    (4, 16), (6, 8), (6, 16),
  ]

  @Test("every kind, compressed in every way", arguments: kinds)
  func everyKind(type: UInt8, depth: UInt8) throws {
    for level: Int32 in [1, 6, 9] {
      for strategy in [Z_DEFAULT_STRATEGY, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE] {
        let file = PNGFile(type: type, depth: depth, level: level, strategy: strategy)
        #expect(file.isInflated)
        expectAgreement(file.bytes, isImage: true)
      }
    }
    let interlaced = PNGFile(type: type, depth: depth, isInterlaced: true)
    expectAgreement(interlaced.bytes, isImage: true)
    let pixels = try PNG.decode(interlaced.bytes, subject: "").pixels
    #expect(Set(pixels).count > 1)
  }

  @Test("IDAT chunks of any length") func chunks() throws {
    var file = PNGFile()
    let whole = try PNG.decode(file.bytes, subject: "")
    let count = file.stream.count
    for lengths in [
      Array(repeating: 1, count: count), [0, count], [count, 0], [0, 0, 1, 0], [2], [count - 1],
      [count - 4], [7, 8, 9],
    ] {
      file.chunkLengths = lengths
      #expect(file.isInflated)
      expectAgreement(file.bytes, isImage: true)
      #expect(try PNG.decode(file.bytes, subject: "") == whole)
    }
  }

  /// A stored block has at most 65,535 bytes.
  @Test(
    "one and several stored blocks",
    arguments: [(2, 32_767), (5, 13_107), (4, 16_384), (5, 26_214), (5, 40_000)])
  func blocks(height: Int, rowBytes: Int) throws {
    let file = PNGFile(width: rowBytes - 1, height: height, type: 0)
    #expect(file.isInflated && file.rows.count == height * rowBytes)
    expectAgreement(file.bytes, isImage: true)
  }

  @Test("a small window is enough for few pixels, as libpng writes them") func windows() throws {
    let few = PNGFile(width: 40, height: 30, windowBits: 12)
    #expect(few.rows.count < 1 << 12 && few.stream[0] == 0x48 && few.isInflated)
    expectAgreement(few.bytes, isImage: true)
    let more = PNGFile(width: 40, height: 50, windowBits: 12)
    #expect(more.rows.count > 1 << 12 && !more.isInflated)
    expectAgreement(more.bytes, isImage: true)
  }

  @Test("a match beyond the window is refused") func farMatch() {
    var file = PNGFile(width: 1000, height: 6, type: 0)
    var random = SeededGenerator(seed: 9)
    let noise = (0..<1000).map { _ in UInt8.random(in: 0...255, using: &random) }
    file.rows = (0..<6).flatMap { _ in [0] + noise }
    file.stream = zlibStream(file.rows)
    #expect(file.isInflated)
    expectAgreement(file.bytes, isImage: true)
    // A window of 256 bytes.
    file.stream.replaceSubrange(0..<2, with: [0x08, 0x1D])
    #expect(!file.isInflated)
    expectAgreement(file.bytes, isImage: false)
  }

  @Test("the fixtures, also those that are refused") func fixtures() throws {
    let refused = fixtureNames("hostile").flatMap { code in
      fixtureNames("hostile/\(code)").map { "hostile/\(code)/\($0)" }
    }
    let names = fixtureNames("png").filter { $0.hasSuffix(".png") }.map { "png/\($0)" } + refused
    #expect(names.count > 50)
    for name in names {
      expectAgreement(try fixtureBytes(name), isImage: name.hasPrefix("png/"), name)
    }
  }

  @Test("something wrong or unusual", arguments: Peculiarity.all)
  func peculiarities(_ peculiarity: Peculiarity) {
    for (type, depth) in Self.kinds {
      var file = PNGFile(type: type, depth: depth)
      file.chunkLengths = [40, 60]
      peculiarity.add(&file)
      let name = "type \(type), \(depth) bits"
      #expect(file.isInflated == peculiarity.isInflated, "\(name)")
      expectAgreement(file.bytes, isImage: peculiarity.isImage, name)
    }
  }

  @Test("every prefix is refused") func prefixes() {
    var file = PNGFile(width: 12, height: 9)
    file.chunkLengths = [20]
    let bytes = file.bytes
    for count in bytes.indices {
      expectAgreement(Array(bytes[..<count]), isImage: false, "\(count) bytes")
    }
  }

  /// The compressed pixels or the rows change, under right CRCs, and if zlib still inflates them,
  /// with the right Adler-32. Some files change anywhere.
  @Test("5600 changed files", arguments: kinds) func changes(type: UInt8, depth: UInt8) {
    var random = SeededGenerator(seed: UInt64(type) << 8 | UInt64(depth))
    var (images, inflated) = (0, 0)
    for index in 0..<400 {
      var file = PNGFile(
        width: .random(in: 20...60, using: &random), type: type, depth: depth,
        strategy: .random(in: Z_DEFAULT_STRATEGY...Z_FIXED, using: &random))
      file.chunkLengths = (0..<Int.random(in: 0...3, using: &random)).map { _ in
        .random(in: 0...80, using: &random)
      }
      if index.isMultiple(of: 3) {
        change(&file.rows, &random)
        file.stream = zlibStream(file.rows)
      } else {
        change(&file.stream, &random)
      }
      if index % 3 == 1, let checksum = adler32(ofInflated: file.stream) {
        file.stream.replaceSubrange((file.stream.count - 4)..., with: checksum)
      }
      if file.isInflated { inflated += 1 }
      var bytes = file.bytes
      if index.isMultiple(of: 4) { change(&bytes, &random) }
      if expectAgreement(bytes, "\(index)") { images += 1 }
    }
    #expect(images > 40 && inflated > 40, "\(images) images, \(inflated) inflated")
  }
}

/// Something wrong or unusual in a file.
struct Peculiarity: CustomTestStringConvertible, Sendable {
  var testDescription: String
  /// Whether libdeflate inflates the pixels.
  var isInflated: Bool
  /// Whether the file is read, by libpng alone too.
  var isImage: Bool
  var add: @Sendable (inout PNGFile) -> Void

  private init(
    _ description: String, isInflated: Bool = false, isImage: Bool = false,
    add: @escaping @Sendable (inout PNGFile) -> Void
  ) {
    testDescription = description
    (self.isInflated, self.isImage, self.add) = (isInflated, isImage, add)
  }

  static let all = [
    // The stream.
    Peculiarity("a wrong Adler-32") { $0.stream[$0.stream.count - 1] ^= 1 },
    Peculiarity("no Adler-32") { $0.stream.removeLast(4) },
    Peculiarity("half an Adler-32") { $0.stream.removeLast(2) },
    Peculiarity("a byte after the stream", isImage: true) { $0.stream.append(0) },
    Peculiarity("a stream after the stream", isImage: true) { $0.stream += $0.stream },
    Peculiarity("an empty stream") { $0.stream = zlibStream([]) },
    Peculiarity("no stream") { $0.stream = [] },
    Peculiarity("a byte too few") { $0.stream = zlibStream($0.rows.dropLast()) },
    Peculiarity("a byte too many", isImage: true) { $0.stream = zlibStream($0.rows + [0]) },
    Peculiarity("a row too few") { $0.stream = zlibStream($0.rows.dropLast($0.rows.count / 30)) },
    Peculiarity("a row too many", isImage: true) {
      $0.stream = zlibStream($0.rows + $0.rows.prefix($0.rows.count / 30))
    },
    Peculiarity("a dictionary") { $0.stream.replaceSubrange(0..<2, with: [0x78, 0x20]) },
    Peculiarity("another method") { $0.stream.replaceSubrange(0..<2, with: [0x77, 0x09]) },
    Peculiarity("a wrong header") { $0.stream[1] ^= 1 },
    Peculiarity("a filter that does not exist", isInflated: true) {
      $0.rows[$0.rows.count / 30 * 7] = 5
      $0.stream = zlibStream($0.rows)
    },
    // The chunks of the pixels.
    Peculiarity("a wrong CRC of the first IDAT") { $0.wrongCRCs = [0] },
    Peculiarity("a wrong CRC of the second IDAT") { $0.wrongCRCs = [1] },
    Peculiarity("a wrong CRC of the last IDAT") { $0.wrongCRCs = [2] },
    Peculiarity("a chunk between") { $0.betweenPixels = pngChunk("tEXt", [65, 0, 66]) },
    Peculiarity("an IDAT apart", isInflated: true, isImage: true) {
      $0.afterPixels = pngChunk("tEXt", [65, 0, 66]) + pngChunk("IDAT", [1, 2, 3])
    },
    // The other chunks.
    Peculiarity("text before and after", isInflated: true, isImage: true) {
      $0.beforePixels += pngChunk("tEXt", [65, 0, 66])
      $0.afterPixels = pngChunk("tEXt", [65, 0, 66])
    },
    Peculiarity("a wrong CRC after the pixels", isInflated: true) {
      $0.afterPixels = pngChunk("tEXt", [65, 0, 66], hasRightCRC: false)
    },
    Peculiarity("an unknown critical chunk", isInflated: true) {
      $0.beforePixels += pngChunk("XXXX", [1])
    },
    Peculiarity("compressed text with a wrong Adler-32", isInflated: true, isImage: true) {
      var text = zlibStream(Array("text".utf8))
      text[text.count - 1] ^= 1
      $0.beforePixels += pngChunk("zTXt", [65, 0, 0] + text)
    },
    Peculiarity("compressed text that is too long", isInflated: true) {
      let text = zlibStream(Array(repeating: 65, count: 4 << 20))
      $0.beforePixels += pngChunk("zTXt", [65, 0, 0] + text)
    },
    Peculiarity("no IEND", isInflated: true) { $0.end = [] },
    Peculiarity("half an IEND", isInflated: true) { $0.end.removeLast(6) },
    Peculiarity("a wrong CRC of IEND", isInflated: true) {
      $0.end = pngChunk("IEND", [], hasRightCRC: false)
    },
    Peculiarity("bytes after IEND", isInflated: true, isImage: true) { $0.end += [1, 2, 3] },
  ]
}

/// Reads a file with libdeflate and by libpng alone, expects the same, and returns whether it is an
/// image.
@discardableResult private func expectAgreement(
  _ bytes: [UInt8], isImage: Bool? = nil, _ name: String = ""
) -> Bool {
  func outcome(byLibpngAlone: Bool) -> Result<Image, Failure> {
    Result { () throws(Failure) in
      try PNG.decode(bytes, subject: name, byLibpngAlone: byLibpngAlone)
    }
  }
  let (usual, alone) = (outcome(byLibpngAlone: false), outcome(byLibpngAlone: true))
  let isRead = (try? alone.get()) != nil
  #expect(usual == alone, "\(name): \(summary(usual)), but by libpng alone \(summary(alone))")
  #expect(isImage == nil || isImage == isRead, "\(name): \(summary(alone))")
  return isRead
}

private func summary(_ outcome: Result<Image, Failure>) -> String {
  switch outcome {
  case .success(let image): "\(image.width) x \(image.height)"
  case .failure(let failure): "\(failure)"
  }
}

/// Changes, removes or repeats a few bytes.
private func change(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
  for _ in 0..<Int.random(in: 1...3, using: &random) where bytes.count > 8 {
    let index = Int.random(in: bytes.indices, using: &random)
    switch Int.random(in: 0...4, using: &random) {
    case 0: bytes[index] = .random(in: 0...255, using: &random)
    case 1, 2: bytes[index] ^= 1 << UInt8.random(in: 0...7, using: &random)
    case 3: bytes.remove(at: index)
    default: bytes.insert(bytes[index], at: index)
    }
  }
}
