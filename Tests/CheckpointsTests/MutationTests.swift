import Checkpoints
import Testing
import _TestSupport

/// Damaged files are refused or load; nothing traps. (A trap would end the test process.)
@Suite struct MutationTests {
  static let seeds = [
    "D0-ok", "C26-legacy", "C27-new-members", "D1-deflated", "D22-zip64-end", "D41-descriptor",
    "E24-normal-forms", "E33-zero-size", "A23-namespace",
  ]

  @Test("every prefix is refused", arguments: seeds)
  func prefixes(seed: String) throws {
    let whole = try hostileBytes(seed)
    for count in whole.indices {
      #expect(code { try withFile(Array(whole[..<count]), loadEverything) } != nil, "\(count)")
    }
  }

  @Test("a changed byte is refused or harmless", arguments: seeds, [0x01, 0x80, 0xFF] as [UInt8])
  func flips(seed: String, mask: UInt8) throws {
    var bytes = try hostileBytes(seed)
    for index in bytes.indices {
      bytes[index] ^= mask
      _ = code { try withFile(bytes, loadEverything) }
      bytes[index] ^= mask
    }
  }

  @Test("several changes at once are refused or harmless", arguments: seeds)
  func mutations(seed: String) throws {
    let whole = try hostileBytes(seed)
    var random = SeededGenerator(seed: 1)
    for _ in 0..<1000 {
      _ = code { try withFile(mutated(whole, using: &random), loadEverything) }
    }
  }

  /// Legacy files have no checksums, so that every mutation reaches the pickle machine.
  @Test("mutated pickles are refused or harmless", arguments: TorchFileTests.cases)
  func mutatedPickles(name: String) throws {
    let whole = try fixtureBytes("torch/\(name).legacy.pt")
    var random = SeededGenerator(seed: 2)
    for _ in 0..<1000 {
      _ = code { try withFile(mutated(whole, using: &random), loadEverything) }
    }
  }

  @Test func mutatedArraysAreRefusedOrHarmless() throws {
    for name in ["f4", "fortran_f8", "big_endian_i8", "empty", "version2"] {
      let array = try fixtureBytes("arrays/\(name).npy")
      var random = SeededGenerator(seed: 3)
      for _ in 0..<2000 {
        _ = code { try NPYArray.parse(mutated(array, using: &random), subject: name).floats() }
      }
    }
  }

  /// One to four edits: a byte changed, an interesting number written, bytes removed, or copied from
  /// elsewhere.
  private func mutated(_ bytes: [UInt8], using random: inout SeededGenerator) -> [UInt8] {
    var result = bytes
    for _ in 0..<Int.random(in: 1...4, using: &random) where result.count > 8 {
      let index = Int.random(in: 0..<result.count - 8, using: &random)
      let count = Int.random(in: 1...8, using: &random)
      switch UInt8.random(in: 0...3, using: &random) {
      case 0: result[index] = .random(in: 0...255, using: &random)
      case 1: result.replaceSubrange(index..<index + count, with: repeatElement(0xFF, count: count))
      case 2: result.removeSubrange(index..<index + count)
      default:
        let source = Int.random(in: 0..<result.count - 8, using: &random)
        result.insert(contentsOf: Array(result[source..<source + count]), at: index)
      }
    }
    return result
  }
}
