import Checkpoints
import Files
import Foundation
import Testing
import _TestSupport

@Suite struct ZipWriterTests {
  /// Entries of awkward sizes, whole and in pieces, and each field in its zip64 form.
  @Test("what is written is read back", arguments: [0xFFFF_FFFF, 1, 7, 100, 300])
  func roundTrip(zip64From: Int) throws {
    let folder = try TemporaryFolder()
    let path = folder.path("a.zip")
    let content = (0..<257).map { UInt8($0 % 256) }
    var archive = try ZipWriter(path: path, zip64From: zip64From)
    try archive.add("empty", [])
    try archive.add("folder/é", content)
    try archive.begin("pieces", size: 257)
    for piece in [0..<0, 0..<1, 1..<200, 200..<257] { try archive.write(Array(content[piece])) }
    try archive.begin("nothing", size: 0)
    try archive.commit()
    let read = try ZipArchive(ReadableFile(path: path))
    #expect(read.entries.map(\.name) == ["empty", "folder/é", "pieces", "nothing"])
    #expect(try read.entries.map { try read.read($0) } == [[], content, content, []])
  }

  /// By hand: an entry `a` of the byte 0x61, whose CRC-32 is E8B7BE43.
  @Test func theBytesOfASmallArchive() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("a.zip")
    var archive = try ZipWriter(path: path)
    try archive.begin("a", size: 1)
    try archive.write([0x61])
    try archive.commit()
    let common: [UInt8] =
      [
        45, 0, 0, 8, 0, 0, 0, 0, 0x21, 0, 0x43, 0xBE, 0xB7, 0xE8, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0,
        0,
      ]
    let local = [0x50, 0x4B, 3, 4] + common + [0x61, 0x61]
    let central =
      [0x50, 0x4B, 1, 2, 45, 0] + common + [UInt8](repeating: 0, count: 14) + [0x61]
    let end: [UInt8] =
      [0x50, 0x4B, 5, 6, 0, 0, 0, 0, 1, 0, 1, 0, 47, 0, 0, 0, 32, 0, 0, 0, 0, 0]
    #expect(try [UInt8](Data(contentsOf: URL(filePath: path))) == local + central + end)
  }

  /// Bits 0, 5, 6 and 13 of the flags say that the bytes of an entry are not its content.
  @Test(arguments: [
    (0x01, "ZipEncrypted"), (0x20, "ZipMethodUnsupported"), (0x40, "ZipEncrypted"),
    (0x2000, "ZipEncrypted"),
  ])
  func flagsOfOtherContent(flag: Int, code: String) throws {
    let folder = try TemporaryFolder()
    let path = folder.path("a.zip")
    var archive = try ZipWriter(path: path)
    try archive.add("a", [0x61])
    try archive.commit()
    var bytes = try [UInt8](Data(contentsOf: URL(filePath: path)))
    let header = try #require(
      bytes.indices.first { Array(bytes[$0...].prefix(4)) == [0x50, 0x4B, 1, 2] })
    bytes[header + 8] |= UInt8(flag & 0xFF)
    bytes[header + 9] |= UInt8(flag >> 8)
    try Data(bytes).write(to: URL(filePath: path))
    let failure = #expect(throws: Failure.self) { try ZipArchive(ReadableFile(path: path)) }
    #expect(failure?.code.rawValue == code)
  }

  @Test func moreEntriesThanTheOldFormatCounts() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("a.zip")
    var archive = try ZipWriter(path: path)
    for index in 0..<65_536 { try archive.add("\(index)", []) }
    try archive.commit()
    #expect(try ZipArchive(ReadableFile(path: path)).entries.count == 65_536)
  }

  @Test func nothingAppearsBeforeTheEnd() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("a.zip")
    do {
      var archive = try ZipWriter(path: path)
      try archive.add("a", [1])
      #expect(!FileManager.default.fileExists(atPath: path))
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
  }

  @Test func aFolderThatIsNotThere() {
    #expect {
      var archive = try ZipWriter(path: "/nonexistent/a.zip")
      try archive.commit()
    } throws: {
      ($0 as? Failure)?.status == .cannotCreate
    }
  }
}
