import Foundation
import Testing
import _TestSupport

/// The synthetic Inception in Swift against the one in scripts/fixtures/synthetic.py.
struct SyntheticInceptionTests {
  struct Golden: Decodable {
    let seed: UInt64
    let tensors: Int
    let checksum: String
  }

  @Test func weightsEqualNumpy() throws {
    let fixtures = try #require(
      Bundle.module.url(forResource: "Fixtures", withExtension: nil))
    let golden = try JSONDecoder().decode(
      Golden.self,
      from: Data(contentsOf: fixtures.appendingPathComponent("synthetic_inception.json")))
    let file = try Data(contentsOf: fixtures.appendingPathComponent("inception_bn.npy"))
    let statistics = file.dropFirst(128).withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    var (hash, start) = (UInt64(0xCBF2_9CE4_8422_2325), 0)
    let tensors = SyntheticInception.tensors(statistics: statistics)
    for tensor in tensors {
      let values = tensor.values()
      for index in stride(from: (61 - start % 61) % 61, to: values.count, by: 61) {
        hash = (hash ^ UInt64(values[index].bitPattern)) &* 0x100_0000_01B3
      }
      start += values.count
    }
    #expect(tensors.count == golden.tensors)
    #expect(String(hash, radix: 16) == golden.checksum.drop { $0 == "0" })
    #expect(SyntheticInception.seed == golden.seed)
  }
}
