import Checkpoints
import Files
import Images
import Testing
import _TestSupport

/// WebP, BMP and Netpbm files; the goldens are Pillow's, see scripts/fixtures/inputs.py.
@Suite struct FormatTests {
  static let kinds = ["webp", "bmp", "pnm"]

  private static func names(_ kind: String) -> [String] {
    fixtureNames(kind).filter { $0 != "pillow.npz" }
  }

  @Test("decodes to Pillow's pixels", arguments: kinds) func pillow(kind: String) throws {
    let goldens = try NPZ.read(fixture("\(kind)/pillow.npz"))
    #expect(goldens.names.sorted() == Self.names(kind) && goldens.names.count > 15)
    for name in goldens.names {
      let expected = try goldens.array(name)
      let image = try Image(file: try fixtureBytes("\(kind)/\(name)"), subject: name)
      let rgb = image.channels == 3 ? image.pixels : image.pixels.flatMap { [$0, $0, $0] }
      #expect([image.height, image.width, 3] == expected.shape, "\(name)")
      let different = zip(rgb, expected.bytes).count { $0 != $1 }
      #expect(different == 0, "\(name), of \(rgb.count) bytes")
      let isGrey = name.contains("grey") && kind != "webp" || name.hasSuffix("m") && kind == "pnm"
      #expect((image.channels == 1) == (isGrey && !name.hasSuffix(".ppm")), "\(name)")
    }
  }

  @Test("what the pixels do not show is noted", arguments: kinds) func traits(kind: String) throws {
    for name in Self.names(kind) {
      let image = try Image(file: try fixtureBytes("\(kind)/\(name)"), subject: name)
      let isLossy =
        kind == "webp" && !name.contains("lossless") || name.contains("lossy")
      #expect(image.traits.contains(.lossy) == isLossy, "\(name)")
      let masks = ["_abgr_", "_rgba_", "_bgra_", "_bgar_", "_none_", "alpha"]
      #expect(
        image.traits.contains(.alphaDropped) == masks.contains { name.contains($0) }, "\(name)")
      let isDeep = ["256.ppm", "1000.ppm", "65535.ppm", "_all.ppm"].contains { name.hasSuffix($0) }
      #expect(image.traits.contains(.reducedDepth) == isDeep, "\(name)")
    }
  }

  @Test(
    "refuses",
    arguments: fixtureNames("hostile_formats").flatMap { code in
      fixtureNames("hostile_formats/\(code)").map { "\(code)/\($0)" }
    })
  func hostile(file: String) throws {
    let bytes = try fixtureBytes("hostile_formats/\(file)")
    let failure = failure { try Image(file: bytes, subject: file) }
    #expect(
      failure?.code.rawValue == String(file.prefix { $0 != "/" }) && failure?.subject == file,
      "\(failure as Any)")
    #expect(failure?.status == .dataRefused)
  }

  @Test(
    "every prefix is refused",
    arguments: [
      "webp/lossy_75.webp", "webp/lossless.webp", "webp/lossy_alpha.webp", "webp/orientation6.webp",
      "bmp/palette8_7.bmp", "bmp/palette4_os2.bmp", "bmp/rgb24_header124.bmp",
      "bmp/masks_rgba_56.bmp", "pnm/rgb_1000.ppm", "pnm/bits_9.pbm", "pnm/bits_plain_dense.pbm",
    ])
  func prefixes(name: String) throws {
    let bytes = try fixtureBytes(name)
    for count in bytes.indices {
      let failure = failure { try Image(file: Array(bytes[..<count]), subject: name) }
      #expect(
        ["Truncated", "UnsupportedFormat", "WebPMalformed"].contains(failure?.code.rawValue),
        "\(count)")
    }
  }

  /// These formats have no checksums, so that some changes give another image.
  @Test("no change traps", arguments: kinds) func mutations(kind: String) throws {
    let codes: Set = [
      "UnsupportedFormat", "Truncated", "ImageLimit", "WebPMalformed", "BMPMalformed",
      "PNMMalformed", "Gray16Ambiguous",
    ]
    var random = SeededGenerator(seed: 5)
    for name in Self.names(kind) {
      let whole = try fixtureBytes("\(kind)/\(name)")
      guard whole.count < 10_000 else { continue }
      for _ in 0..<200 {
        var bytes = whole
        for _ in 0..<Int.random(in: 1...3, using: &random) where !bytes.isEmpty {
          // The headers, half of the time.
          let end = Bool.random(using: &random) ? min(80, bytes.count) : bytes.count
          let index = Int.random(in: 0..<end, using: &random)
          switch UInt8.random(in: 0...3, using: &random) {
          case 0: bytes[index] = .random(in: 0...255, using: &random)
          case 1: bytes[index] ^= 1 << UInt8.random(in: 0...7, using: &random)
          case 2: bytes[index] = 0xFF
          default: bytes.remove(at: index)
          }
        }
        if let failure = failure({ try Image(file: bytes, subject: "") }) {
          #expect(codes.contains(failure.code.rawValue), "\(name): \(failure)")
        }
      }
    }
  }
}

@Suite struct ImageTraitsTests {
  @Test func equalImagesMayHaveOtherTraits() {
    let plain = Image(width: 1, height: 1, channels: 1, pixels: [3])
    #expect(plain.traits.isEmpty && plain.traits.notes.isEmpty)
    let lossy = Image(width: 1, height: 1, channels: 1, pixels: [3], traits: [.lossy])
    #expect(plain == lossy)
    #expect(plain != Image(width: 1, height: 1, channels: 1, pixels: [4]))
    #expect(
      Image(width: 2, height: 1, channels: 1, pixels: [3, 3])
        != Image(
          width: 1, height: 2, channels: 1, pixels: [3, 3]))
  }

  @Test func aSentenceForEachTrait() {
    let all: Image.Traits = [.reducedDepth, .alphaDropped, .lossy]
    #expect(all.notes.count == 3 && Set(all.notes).count == 3)
    #expect(all.notes.first == Image.Traits.lossy.notes.first)
    #expect(Image.Traits.alphaDropped.notes == [all.notes[1]])
  }

  @Test("of PNG and JPEG files") func files() throws {
    for name in fixtureNames("png") where name.hasSuffix(".png") {
      let traits = try PNG.decode(try fixtureBytes("png/\(name)"), subject: name).traits
      #expect(!traits.contains(.lossy))
      #expect(traits.contains(.reducedDepth) == name.contains("16"), "\(name)")
      let hasAlpha = name.contains("alpha") || name.contains("transparent")
      #expect(traits.contains(.alphaDropped) == hasAlpha, "\(name)")
    }
    #expect(try JPEG.decode(try fixtureBytes("jpeg/420.jpg"), subject: "").traits == [.lossy])
  }
}
