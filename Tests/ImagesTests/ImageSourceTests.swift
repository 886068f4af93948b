import Checkpoints
import Files
import Foundation
import Images
import Testing

@Suite struct ImageSourceTests {
  @Test func pixelArrays() throws {
    let pixels = try NPYArray.read(fixture("images.npy")).bytes
    let names = [
      "images.npy", "images_fortran.npy", "images_deflated.npz", "images.idx3-ubyte",
      "images.idx3-ubyte.gz",
    ]
    for name in names {
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

  @Test("a zip file is read like a folder, in the order of its names' bytes") func zip() throws {
    let source = try ImageSource(path: fixture("images.zip"))
    #expect(source.count == 5 && source.description == "zip file of 5 images")
    #expect(source.container == .zip)
    for index in 0..<5 {
      #expect(
        try source.image(at: index)
          == Image(
            width: 8, height: 8, channels: 1,
            pixels: [UInt8](repeating: UInt8(index), count: 64)))
    }
  }

  @Test("cuts and a damaged entry of a zip file are noticed") func damagedZip() throws {
    let bytes = try fixtureBytes("images.zip")
    try withFolder { path in
      for count in stride(from: 0, to: bytes.count, by: 7) + [bytes.count - 1] {
        try AtomicFile.write(bytes[..<count], to: path + "/file")
        #expect(failure { try ImageSource(path: path + "/file") } != nil, "\(count) bytes")
      }
      // The last entry is a stored JPEG file, in which no checksum but the zip file's is.
      let end = try #require(bytes.indices.last { bytes[$0...].starts(with: [0xFF, 0xD9]) })
      var damaged = bytes
      damaged[end - 1] ^= 1
      try AtomicFile.write(damaged, to: path + "/file")
      let source = try ImageSource(path: path + "/file")
      let failure = failure { try source.image(at: 4) }
      #expect(failure?.code == .crcMismatch && failure?.subject == path + "/file: \u{E9}.png")
      #expect(try source.image(at: 3).pixels.first == 3)
    }
  }

  @Test("an array larger than memory is read an image at a time") func largeArray() throws {
    try withFolder { path in
      let shape = [50_000, 256, 256, 3]
      let (size, file) = (shape.reduce(1, *), path + "/large.npy")
      let header = npyHeader(shape)
      try AtomicFile.write(header, to: file)
      #expect(truncate(file, off_t(header.count + size)) == 0)
      try overwrite(file, at: header.count + size - 2, with: [8, 9])
      let source = try ImageSource(path: file)
      #expect(source.count == 50_000 && source.container == .array)
      #expect(try source.image(at: 0).pixels.allSatisfy { $0 == 0 })
      #expect(try source.image(at: 49_999).pixels.suffix(3) == [0, 8, 9])
      truncate(file, off_t(header.count + size - 1))
      #expect(failure { try source.image(at: 49_999) }?.code == .truncated)
      #expect(try source.image(at: 49_998).pixels.count == 256 * 256 * 3)
      #expect(failure { try ImageSource(path: file) }?.code == .npyMalformed)
    }
  }

  @Test("a stored array is verified when it is opened, and stays in its file") func npz() throws {
    let bytes = try fixtureBytes("images.npz")
    let pixels = try NPZ.read(fixture("images.npz")).array("arr_0").bytes
    let start = try #require(bytes.indices.first { bytes[$0...].starts(with: pixels) })
    try withFolder { path in
      var damaged = bytes
      damaged[start + 100] ^= 1
      try AtomicFile.write(damaged, to: path + "/damaged")
      #expect(failure { try ImageSource(path: path + "/damaged") }?.code == .crcMismatch)
      try AtomicFile.write(bytes, to: path + "/good")
      let source = try ImageSource(path: path + "/good")
      truncate(path + "/good", off_t(start + 60))
      #expect(try source.image(at: 0).pixels == Array(pixels[..<60]))
      #expect(failure { try source.image(at: 1) }?.code == .truncated)
    }
  }

  @Test("a zip file without images or arr_0 is refused") func otherZip() throws {
    try withFolder { path in
      try NPZ.write([("mu", NPYArray(bytes: [1], shape: [1]))], to: path + "/statistics.npz")
      #expect(failure { try ImageSource(path: path + "/statistics.npz") }?.code == .arrayMissing)
      // The names of the entries, in place: each other name has as many bytes.
      let bytes = try fixtureBytes("images.zip")
      func code(_ replacements: [(String, String)]) throws -> String? {
        let changed = replacements.reduce(bytes) { replacing($0, $1.0, $1.1) }
        try AtomicFile.write(changed, to: path + "/file")
        return failure { try ImageSource(path: path + "/file") }?.code.rawValue
      }
      let names = [(".png", ".xyz"), (".PNG", ".xyz"), (".jpg", ".xyz"), (".jpeg", ".data")]
      #expect(try code(names) == "NoImages")
      #expect(try code([("notes.txt", "note.tiff")]) == "UnsupportedFormat")
      #expect(try code([]) == nil)
    }
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
        #expect(failure { try source.image(at: index) }?.code == .notARegularFile)
      }
      let missing = failure { try source.image(at: 4) }
      #expect(missing?.code == .inputChanged && missing?.subject == path + "/missing.png")
      #expect(failure { try ImageSource(path: path + "/fifo.png") }?.code == .notAFolder)
    }
  }

  @Test("a file of a terabyte is refused before it is read") func hugeFiles() throws {
    try withFolder { path in
      for (name, start) in [("a.png", [0x89, 0x50] as [UInt8]), ("b.idx.gz", [0x1F, 0x8B, 8, 0])] {
        try AtomicFile.write(start, to: "\(path)/\(name)")
        #expect(truncate("\(path)/\(name)", 1 << 40) == 0)
      }
      let source = try ImageSource(path: path)
      #expect(failure { try source.image(at: 0) }?.code == .imageLimit)
      #expect(failure { try ImageSource(path: path + "/b.idx.gz") }?.code == .imageLimit)
    }
  }

  @Test("a file that vanishes or is cut is noticed") func changes() throws {
    try withFolder { path in
      try AtomicFile.write(try PNG.encode(grey(1)), to: path + "/a.png")
      try AtomicFile.write(try PNG.encode(grey(1)), to: path + "/b.png")
      let source = try ImageSource(path: path)
      unlink(path + "/a.png")
      truncate(path + "/b.png", 30)
      #expect(failure { try source.image(at: 0) }?.code == .inputChanged)
      #expect(failure { try source.image(at: 1) }?.code == .truncated)
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
      #expect(failure { try ImageSource(path: path) }?.code == .noImages)
      #expect(failure { try ImageSource(path: path) }?.status == .inputMissing)
      try AtomicFile.write(Array("GIF89a".utf8), to: path + "/a.png")
      let source = try ImageSource(path: path)
      #expect(failure { try source.image(at: 0) }?.code == .unsupportedFormat)
      try AtomicFile.write([1], to: path + "/b.GiF")
      let failure = failure { try ImageSource(path: path) }
      #expect(failure?.code == .unsupportedFormat && failure?.subject == path + "/b.GiF")
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
      #expect(failure?.code.rawValue == code, "\(failure as Any)")
    }
  }

  @Test("a gzip file that is cut, extended or lies about its size is refused") func gzip() throws {
    let bytes = try fixtureBytes("images.idx3-ubyte.gz")
    try withFolder { path in
      func code(_ bytes: [UInt8]) throws -> String? {
        try AtomicFile.write(bytes, to: path + "/file")
        return failure { try ImageSource(path: path + "/file") }?.code.rawValue
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

  /// The header of a `.npy` file of uint8.
  private func npyHeader(_ shape: [Int]) -> [UInt8] {
    let extents = shape.map(String.init).joined(separator: ", ")
    let text = "{'descr': '|u1', 'fortran_order': False, 'shape': (\(extents)), }\n"
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(text.utf8.count), 0] + Array(text.utf8)
  }

  private func replacing(_ bytes: [UInt8], _ old: String, _ new: String) -> [UInt8] {
    var (result, rest) = ([UInt8](), bytes[...])
    while let byte = rest.first {
      if rest.starts(with: old.utf8) {
        result += Array(new.utf8)
        rest = rest.dropFirst(old.utf8.count)
      } else {
        result.append(byte)
        rest = rest.dropFirst()
      }
    }
    return result
  }

  private func overwrite(_ path: String, at offset: Int, with bytes: [UInt8]) throws {
    let descriptor = open(path, O_WRONLY)
    #expect(pwrite(descriptor, bytes, bytes.count, off_t(offset)) == bytes.count)
    close(descriptor)
  }

  /// Writes a PNG file under a name that need not be UTF-8.
  private func write(_ image: Image, to path: [UInt8]) throws {
    let bytes = try PNG.encode(image)
    let descriptor = open((path + [0]).map { CChar(bitPattern: $0) }, O_WRONLY | O_CREAT, 0o600)
    #expect(Foundation.write(descriptor, bytes, bytes.count) == bytes.count)
    close(descriptor)
  }
}
