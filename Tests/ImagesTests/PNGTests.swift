import Checkpoints
import Files
import Images
import Testing
import _TestSupport

@Suite struct PNGTests {
  @Test("decodes to Pillow's pixels", arguments: fixtureNames("png").filter { $0 != "pillow.npz" })
  func pillow(file: String) throws {
    let name = String(file.dropLast(".png".count))
    let expected = try NPZ.read(fixture("png/pillow.npz")).array(name)
    let image = try PNG.decode(try fixtureBytes("png/\(file)"), subject: file)
    let rgb = image.channels == 3 ? image.pixels : image.pixels.flatMap { [$0, $0, $0] }
    #expect([image.height, image.width, 3] == expected.shape)
    #expect(rgb == expected.bytes)
    #expect((image.channels == 1) == (name.contains("grey") || name == "one_pixel_interlaced"))
  }

  @Test("every fixture has Pillow's pixels") func nothingIsLeftOut() throws {
    let names = try NPZ.read(fixture("png/pillow.npz")).names
    #expect(
      names.sorted()
        == fixtureNames("png").filter { $0 != "pillow.npz" }.map { "\($0.dropLast(4))" })
    #expect(names.count > 30)
  }

  @Test(
    "refuses",
    arguments: fixtureNames("hostile").flatMap { code in
      fixtureNames("hostile/\(code)").map { "\(code)/\($0)" }
    })
  func hostile(file: String) throws {
    let bytes = try fixtureBytes("hostile/\(file)")
    let failure = failure { try PNG.decode(bytes, subject: file) }
    #expect(
      failure?.code.rawValue == String(file.prefix { $0 != "/" }) && failure?.subject == file,
      "\(failure as Any)")
    #expect(failure?.status == .dataRefused)
  }

  @Test("every prefix is refused", arguments: ["rgb16_interlaced", "palette4_transparent"])
  func prefixes(name: String) throws {
    let bytes = try fixtureBytes("png/\(name).png")
    for count in bytes.indices {
      let failure = failure { try PNG.decode(Array(bytes[..<count]), subject: name) }
      #expect(failure?.code == .truncated, "\(count) of \(bytes.count) bytes")
    }
  }

  @Test("every changed bit is noticed") func flippedBits() throws {
    let bytes = try fixtureBytes("png/rgb8_transparent.png")
    for index in bytes.indices {
      for bit in 0..<8 {
        var changed = bytes
        changed[index] ^= 1 << bit
        #expect(
          failure { try PNG.decode(changed, subject: "") } != nil, "bit \(bit) of byte \(index)")
      }
    }
  }

  @Test("what is encoded is decoded", arguments: [(1, 1, 1), (1, 1, 3), (33, 7, 3), (5, 64, 1)])
  func roundTrip(width: Int, height: Int, channels: Int) throws {
    var random = SeededGenerator(seed: 1)
    let pixels = (0..<width * height * channels).map { _ in
      UInt8.random(in: 0...255, using: &random)
    }
    let image = Image(width: width, height: height, channels: channels, pixels: pixels)
    let bytes = try PNG.encode(image)
    #expect(try PNG.decode(bytes, subject: "") == image)
    #expect(try PNG.encode(image) == bytes)
  }
}
