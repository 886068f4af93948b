import Checkpoints
import Files
import Images
import Testing

@Suite struct JPEGTests {
  @Test("decodes to Pillow's pixels", arguments: fixtureNames("jpeg").filter { $0 != "pillow.npz" })
  func pillow(file: String) throws {
    let name = String(file.dropLast(".jpg".count))
    let expected = try NPZ.read(fixture("jpeg/pillow.npz")).array(name)
    let image = try JPEG.decode(try fixtureBytes("jpeg/\(file)"), subject: file)
    let rgb = image.channels == 3 ? image.pixels : image.pixels.flatMap { [$0, $0, $0] }
    #expect([image.height, image.width, 3] == expected.shape)
    let different = zip(rgb, expected.bytes).count { $0 != $1 }
    #expect(different == 0, "of \(rgb.count) bytes")
    #expect((image.channels == 1) == name.hasPrefix("grey"))
  }

  @Test("every fixture has Pillow's pixels") func nothingIsLeftOut() throws {
    let names = try NPZ.read(fixture("jpeg/pillow.npz")).names
    #expect(
      names.sorted()
        == fixtureNames("jpeg").filter { $0 != "pillow.npz" }.map { "\($0.dropLast(4))" })
    #expect(names.count > 30)
  }

  @Test(
    "refuses",
    arguments: fixtureNames("hostile_jpeg").flatMap { code in
      fixtureNames("hostile_jpeg/\(code)").map { "\(code)/\($0)" }
    })
  func hostile(file: String) throws {
    let bytes = try fixtureBytes("hostile_jpeg/\(file)")
    let failure = failure { try JPEG.decode(bytes, subject: file) }
    #expect(
      failure?.code.rawValue == String(file.prefix { $0 != "/" }) && failure?.subject == file,
      "\(failure as Any)")
    #expect(failure?.status == .dataRefused)
  }

  @Test(
    "every prefix is refused",
    arguments: [
      "420", "420_progressive", "arithmetic", "cmyk_adobe", "restart_blocks", "orientation6",
    ])
  func prefixes(name: String) throws {
    let bytes = try fixtureBytes("jpeg/\(name).jpg")
    for count in bytes.indices {
      let failure = failure { try JPEG.decode(Array(bytes[..<count]), subject: name) }
      #expect(failure?.code == .truncated, "\(count) of \(bytes.count) bytes: \(failure as Any)")
    }
  }

  /// JPEG has no checksums, so that some changes give another image.
  @Test("no changed byte traps", arguments: ["420", "420_progressive", "arithmetic", "cmyk_adobe"])
  func changedBytes(name: String) throws {
    let bytes = try fixtureBytes("jpeg/\(name).jpg")
    let codes: Set = [
      "UnsupportedFormat", "Truncated", "ImageLimit", "JPEGMalformed",
    ]
    for index in bytes.indices {
      for value in [0, 0x7F, 0xFF, bytes[index] ^ 1] {
        var changed = bytes
        changed[index] = value
        if let failure = failure({ try JPEG.decode(changed, subject: "") }) {
          #expect(codes.contains(failure.code.rawValue), "byte \(index): \(failure)")
        }
      }
    }
  }
}
