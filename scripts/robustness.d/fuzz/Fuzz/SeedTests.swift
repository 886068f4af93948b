import Foundation
import Testing

/// Reads the seeds of `scripts/fuzz` without changing them, so that an interface that changes, or a reader that
/// refuses everything, is seen long before the next fuzzing.
@Suite(.serialized)
struct SeedTests {
  @Test(arguments: Reader.all)
  func read(reader: Reader) throws {
    let seeds = try Seeds.folder.get().appendingPathComponent(reader.name)
    let files = try FileManager.default.contentsOfDirectory(
      at: seeds, includingPropertiesForKeys: nil)
    #expect(!files.isEmpty)
    var accepted = 0
    for file in files {
      do {
        try reader.read(Input(bytes: Array(Data(contentsOf: file)), suffix: reader.suffix))
        accepted += 1
      } catch {
        checkRefusal(error)
      }
    }
    #expect(accepted > 0, "all \(files.count) seeds are refused")
  }
}

/// The seeds, which a script makes once.
private enum Seeds {
  static let folder = Result {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "fuzz-seeds-\(getpid())")
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
      "../seeds.py")
    let maker = Process()
    maker.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    maker.arguments = ["python3", script.path, folder.path]
    try maker.run()
    maker.waitUntilExit()
    try #require(maker.terminationStatus == 0)
    return folder
  }
}
