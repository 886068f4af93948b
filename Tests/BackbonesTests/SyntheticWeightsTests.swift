import Foundation
import Testing
import _TestSupport

/// The generator in Swift against the one in scripts/fixtures/synthetic.py, without which no golden means anything.
struct SyntheticWeightsTests {
  struct Golden: Decodable {
    struct Case: Decodable {
      let key, keyHash, seed: String
      let offset, scale: Float
      let uniform, values: [Float]
    }
    struct Model: Decodable {
      let tensors: Int
      let checksum: String
    }
    let cases: [Case]
    let models: [String: Model]
  }

  let golden: Golden

  init() throws {
    let url = try #require(
      Bundle.module.url(
        forResource: "synthetic_weights", withExtension: "json", subdirectory: "Fixtures"))
    golden = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: url))
  }

  @Test func valuesEqualNumpy() throws {
    for item in golden.cases {
      let seed = try #require(UInt64(item.seed, radix: 16))
      #expect(SyntheticWeights.hash(item.key.utf8) == UInt64(item.keyHash, radix: 16))
      let weights = SyntheticWeights(seed: seed)
      #expect(weights.values(key: item.key, count: 5, offset: 0, scale: 1) == item.uniform)
      let values = weights.values(key: item.key, count: 5, offset: item.offset, scale: item.scale)
      #expect(values == item.values)
    }
  }

  /// Every 61st element of each model's tensors, laid end to end.
  @Test(arguments: SyntheticDiS.models.keys.sorted())
  func modelsEqualNumpy(name: String) throws {
    let (model, expected) = (SyntheticDiS.models[name]!, golden.models[name]!)
    var (hash, start) = (UInt64(0xCBF2_9CE4_8422_2325), 0)
    for tensor in model.tensors {
      let values = tensor.values()
      for index in stride(from: (61 - start % 61) % 61, to: values.count, by: 61) {
        let bits =
          model.bfloat16
          ? UInt32(bfloat16Bits(values[index])) << 16 : values[index].bitPattern
        hash = (hash ^ UInt64(bits)) &* 0x100_0000_01B3
      }
      start += values.count
    }
    #expect(model.tensors.count == expected.tensors)
    #expect(String(hash, radix: 16) == expected.checksum.drop { $0 == "0" })
  }
}
