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

  /// A thousand changed seeds, always the same ones. `scripts/fuzz` looks further, with sanitizers.
  @Test(arguments: Reader.all)
  func readChanged(reader: Reader) throws {
    let seeds = try Seeds.folder.get().appendingPathComponent(reader.name)
    let files = try FileManager.default.contentsOfDirectory(
      at: seeds, includingPropertiesForKeys: nil
    ).sorted { $0.lastPathComponent < $1.lastPathComponent }
    let contents = try files.map { Array(try Data(contentsOf: $0)) }
    var random = ChangingBytes(seed: reader.name.utf8.reduce(0) { $0 &* 31 &+ UInt64($1) })
    for _ in 0..<1000 {
      let bytes = random.changed(contents.randomElement(using: &random) ?? [], others: contents)
      do {
        try reader.read(Input(bytes: bytes, suffix: reader.suffix))
      } catch {
        checkRefusal(error)
      }
    }
  }
}

/// Random changes of files. The generator is SplitMix64.
private struct ChangingBytes: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Returns a file with one to four changes, and no more than 4096 bytes.
  mutating func changed(_ bytes: [UInt8], others: [[UInt8]]) -> [UInt8] {
    var bytes = Array(bytes.prefix(4096))
    for _ in 0..<Int.random(in: 1...4, using: &self) {
      guard !bytes.isEmpty else { return bytes }
      let place = Int.random(in: bytes.indices, using: &self)
      let length = min(bytes.count - place, Int.random(in: 1...8, using: &self))
      switch Int.random(in: 0..<7, using: &self) {
      case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &self)
      case 1: bytes[place] = .random(in: 0...255, using: &self)
      case 2: bytes.removeSubrange(place..<place + length)
      case 3: bytes.insert(contentsOf: bytes[place..<place + length], at: place)
      case 4: bytes.removeSubrange(place...)
      case 5:
        let edges: [UInt8] = [0, 1, 0x7F, 0x80, 0xFF]
        for index in place..<place + length {
          bytes[index] = edges[Int.random(in: edges.indices, using: &self)]
        }
      default:
        let other = others.randomElement(using: &self) ?? []
        bytes = Array((bytes[..<place] + other.dropFirst(place)).prefix(4096))
      }
    }
    return bytes
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
