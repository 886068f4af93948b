import Checkpoints
import Files
import Foundation
import Images
import Testing

@Suite struct ImageSourceTests {
  @Test func pixelArrays() throws {
    let pixels = try NPYArray.read(fixture("images.npy")).bytes
    for name in ["images.npy", "images.idx3-ubyte", "images.idx3-ubyte.gz"] {
      let source = try ImageSource(path: fixture(name))
      #expect(source.count == 3 && source.description.contains("3 images, 5 x 4, grey"))
      for index in 0..<3 {
        let image = Image(
          width: 5, height: 4, channels: 1, pixels: Array(pixels[index * 20..<(index + 1) * 20]))
        #expect(try source.image(at: index) == image, "\(name)")
      }
    }
    let rgb = try ImageSource(path: fixture("images.npz"))
    #expect(rgb.count == 3 && rgb.description.contains("RGB"))
    #expect(try rgb.image(at: 2).pixels == pixels[40...].flatMap { [$0, $0, $0] })
  }

  @Test("a folder holds its images in the order of their bytes") func folder() throws {
    try withFolder { path in
      // As UTF-8: é in one character and in two, and a byte that begins no character at all.
      let names: [[UInt8]] = [
        Array("B.PNG".utf8), Array("a.png".utf8), Array("e\u{301}.png".utf8),
        Array("\u{E9}.png".utf8), [0xFF, 0xFE] + Array(".Png".utf8),
      ]
      for (index, name) in names.enumerated().reversed() {
        try write(grey(UInt8(index)), to: Array("\(path)/".utf8) + name)
      }
      try AtomicFile.write([1], to: path + "/notes.txt")
      try AtomicFile.write([1], to: path + "/.png.swp")
      let source = try ImageSource(path: path)
      #expect(source.count == 5 && source.description == "folder of 5 images")
      for index in 0..<5 {
        #expect(try source.image(at: index).pixels == [UInt8(index)])
      }
    }
  }

  @Test("entries that are no regular files are refused, without waiting for them")
  func specialFiles() throws {
    try withFolder { path in
      mkfifo(path + "/fifo.png", 0o600)
      mkdir(path + "/folder.png", 0o700)
      symlink("/dev/zero", path + "/endless.png")
      symlink("loop.png", path + "/loop.png")
      symlink("nowhere", path + "/missing.png")
      let source = try ImageSource(path: path)
      #expect(source.count == 5)
      for index in 0..<4 {
        #expect(failure { try source.image(at: index) }?.code == "NotARegularFile")
      }
      let missing = failure { try source.image(at: 4) }
      #expect(missing?.code == "InputChanged" && missing?.subject == path + "/missing.png")
      #expect(failure { try ImageSource(path: path + "/fifo.png") }?.code == "NotAFolder")
    }
  }

  @Test("a file that vanishes or is cut is noticed") func changes() throws {
    try withFolder { path in
      try AtomicFile.write(try PNG.encode(grey(1)), to: path + "/a.png")
      try AtomicFile.write(try PNG.encode(grey(1)), to: path + "/b.png")
      let source = try ImageSource(path: path)
      unlink(path + "/a.png")
      truncate(path + "/b.png", 30)
      #expect(failure { try source.image(at: 0) }?.code == "InputChanged")
      #expect(failure { try source.image(at: 1) }?.code == "Truncated")
    }
  }

  @Test("which format a file has, its content says") func content() throws {
    let jpeg = try fixtureBytes("jpeg/420.jpg")
    let png = try PNG.encode(grey(7))
    try withFolder { path in
      for (name, bytes) in [("a.png", jpeg), ("b.JPeG", png), ("c.JPG", jpeg), ("d.png", png)] {
        try AtomicFile.write(bytes, to: "\(path)/\(name)")
      }
      let source = try ImageSource(path: path)
      #expect(source.count == 4)
      for index in 0..<4 {
        let expected = index % 2 == 0 ? try JPEG.decode(jpeg, subject: "") : grey(7)
        #expect(try source.image(at: index) == expected)
      }
    }
  }

  @Test("names of other formats are refused, as is their content under a name of ours")
  func names() throws {
    try withFolder { path in
      #expect(failure { try ImageSource(path: path) }?.code == "NoImages")
      #expect(failure { try ImageSource(path: path) }?.status == .inputMissing)
      try AtomicFile.write(Array("GIF89a".utf8), to: path + "/a.png")
      let source = try ImageSource(path: path)
      #expect(failure { try source.image(at: 0) }?.code == "UnsupportedFormat")
      try AtomicFile.write([1], to: path + "/b.WebP")
      let failure = failure { try ImageSource(path: path) }
      #expect(failure?.code == "UnsupportedFormat" && failure?.subject == path + "/b.WebP")
    }
  }

  @Test func missing() {
    #expect(failure { try ImageSource(path: "/nowhere/at all") }?.status == .inputMissing)
  }

  @Test(
    "refuses files of other kinds",
    arguments: [
      ("UnsupportedFormat", []), ("UnsupportedFormat", Array("GIF89a".utf8)),
      ("UnsupportedFormat", [0, 0, 8, 1, 0, 0, 0, 1, 7]),
      ("NotImages", NPYArray(bytes: [1, 2], shape: [1, 2]).serialized()),
      ("NotImages", NPYArray(bytes: [1, 2], shape: [1, 1, 1, 2]).serialized()),
      ("NotImages", NPYArray(floats: [1], shape: [1, 1, 1, 1]).serialized()),
      ("NoImages", NPYArray(bytes: [], shape: [0, 28, 28, 1]).serialized()),
      ("NoImages", NPYArray(bytes: [], shape: [7, 0, 28, 1]).serialized()),
      ("ImageLimit", NPYArray(bytes: [], shape: [0, 65_501, 1, 1]).serialized()),
      ("Truncated", [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 9]),
      ("Truncated", [0, 0, 8, 3, 255, 255, 255, 255, 0, 0, 32, 0, 0, 0, 32, 0, 9]),
      ("ImageLimit", [0, 0, 8, 3, 0, 0, 0, 1, 255, 255, 255, 255, 255, 255, 255, 255]),
      ("NotImages", [0, 0, 8, 3, 0, 0, 0, 2]),
    ] as [(String, [UInt8])])
  func refused(code: String, bytes: [UInt8]) throws {
    try withFolder { path in
      try AtomicFile.write(bytes, to: path + "/file")
      let failure = failure { try ImageSource(path: path + "/file") }
      #expect(failure?.code == code, "\(failure as Any)")
    }
  }

  @Test("a gzip file that is cut, extended or lies about its size is refused") func gzip() throws {
    let bytes = try fixtureBytes("images.idx3-ubyte.gz")
    try withFolder { path in
      func code(_ bytes: [UInt8]) throws -> String? {
        try AtomicFile.write(bytes, to: path + "/file")
        return failure { try ImageSource(path: path + "/file") }?.code
      }
      for count in 0..<bytes.count {
        let expected = count < 2 ? ["UnsupportedFormat"] : ["GzipMalformed", "GzipLimit"]
        let code = try code(Array(bytes[..<count]))
        #expect(expected.contains(code ?? "read"), "\(count) bytes")
      }
      #expect(try code(bytes + [0, 0, 0, 0]) == "GzipMalformed")
      #expect(try code(bytes + bytes) == "GzipMalformed")
      #expect(try code(bytes.dropLast(4) + [0, 0, 0, 0x40]) == "GzipLimit")
      #expect(try code(bytes.dropLast(4) + [0xFF, 0, 0, 0]) == "GzipMalformed")
    }
  }

  private func grey(_ value: UInt8) -> Image {
    Image(width: 1, height: 1, channels: 1, pixels: [value])
  }

  /// Writes a PNG file under a name that need not be UTF-8.
  private func write(_ image: Image, to path: [UInt8]) throws {
    let bytes = try PNG.encode(image)
    let descriptor = open((path + [0]).map { CChar(bitPattern: $0) }, O_WRONLY | O_CREAT, 0o600)
    #expect(Foundation.write(descriptor, bytes, bytes.count) == bytes.count)
    close(descriptor)
  }
}
