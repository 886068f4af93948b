import Files
import Foundation
import Testing
import _TestSupport

@Suite struct ScratchFileTests {
  @Test func readsWhatWasWritten() throws {
    let folder = try TemporaryFolder()
    let file = try ScratchFile(folder: folder.url.path)
    let rows = (0..<5).map { row in (0..<7).map { Float(10 * row + $0) } }
    for index in [0, 1, 3, 2, 4] { try file.write(rows[index], at: 7 * index) }
    for index in [4, 0, 2] { #expect(try file.read(at: 7 * index, count: 7) == rows[index]) }
    #expect(try file.read(at: 0, count: 35) == rows.flatMap(\.self))
    #expect(try file.read(at: 35, count: 0).isEmpty)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
  }

  @Test func rejections() throws {
    let folder = try TemporaryFolder()
    let missing = #expect(throws: Failure.self) {
      try ScratchFile(folder: folder.path("missing"))
    }
    #expect(missing?.code == .cannotCreate && missing?.status == .cannotCreate)
    let file = try ScratchFile(folder: folder.url.path)
    try file.write([1, 2], at: 0)
    let short = #expect(throws: Failure.self) { try file.read(at: 1, count: 2) }
    #expect(short?.code == .inputOutput && short?.status == .inputOutput)
  }
}
