import Autoencoder
import Checkpoints
import Foundation
import Tensors
import Testing
import _TestSupport

let goldens = Goldens(.module)

extension SyntheticDecoder {
  /// The decoder of that name, written to a file and read back.
  static func loaded(_ name: String) throws -> KLDecoder {
    let folder = try TemporaryFolder()
    let path = folder.path("decoder.safetensors")
    try #require(models[name]).write(to: path)
    return try KLDecoder(try CheckpointFile.open(path).stateDict(key: nil))
  }

  /// A fixture as one tensor.
  static func golden(_ name: String) throws -> Tensor {
    let array = try goldens.array(name)
    return Tensor(shape: array.shape, values: array.floats())
  }
}

extension Tensor {
  /// Every `stride`-th row and column of an image, from the first.
  func strided(_ stride: Int) -> Tensor {
    let rows = Array(Swift.stride(from: 0, to: shape[1], by: stride))
    let columns = Array(Swift.stride(from: 0, to: shape[2], by: stride))
    var kept: [Float] = []
    for channel in 0..<shape[0] {
      for row in rows {
        for column in columns {
          kept.append(values[(channel * shape[1] + row) * shape[2] + column])
        }
      }
    }
    return Tensor(shape: [shape[0], rows.count, columns.count], values: kept)
  }
}

/// Decodes against diffusers in float64; Fixtures/MANIFEST.json says what is kept of the large
/// ones, and how far diffusers' own float32 is from it.
@Suite("KL decoder") struct DecodeParityTests {
  @Test(
    "agrees with diffusers",
    arguments: [
      ("tiny", 1, 1, 1), ("tiny", 5, 7, 1), ("tiny", 16, 3, 1), ("tiny8", 8, 8, 2),
      ("mono", 3, 2, 1), ("sd", 8, 8, 2), ("sd", 32, 32, 5),
    ])
  func agrees(name: String, height: Int, width: Int, stride: Int) throws {
    let model = try #require(SyntheticDecoder.models[name])
    let decoder = try SyntheticDecoder.loaded(name)
    let image = decoder(model.latent(height, width))
    let scale = decoder.configuration.scale
    #expect(image.shape == [model.imageChannels, scale * height, scale * width])
    let expected = try SyntheticDecoder.golden("\(name).\(height)x\(width).out")
    let worst = worst(image.strided(stride).values, expected.values)
    #expect(worst.relative <= 1e-5, "\(worst)")
  }

  @Test("agrees with diffusers in tiles", arguments: [(4, 13, 9), (8, 14, 21), (8, 5, 11)])
  func tiles(tile: Int, height: Int, width: Int) throws {
    let model = try #require(SyntheticDecoder.models["tiny"])
    let decoder = try SyntheticDecoder.loaded("tiny")
    let image = decoder(model.latent(height, width), tile: tile)
    let expected = try SyntheticDecoder.golden("tiled\(tile).\(height)x\(width).out")
    #expect(image.shape == expected.shape)
    let worst = worst(image.values, expected.values)
    #expect(worst.relative <= 1e-5, "\(worst)")
  }

  @Test func aTileThatHoldsTheLatentIsTheWhole() throws {
    let model = try #require(SyntheticDecoder.models["tiny"])
    let decoder = try SyntheticDecoder.loaded("tiny")
    let latent = model.latent(5, 7)
    #expect(decoder(latent, tile: 8) == decoder(latent))
  }

  /// The same bytes beside other decodes as alone.
  @Test func decodesDoNotDependOnEachOther() async throws {
    let model = try #require(SyntheticDecoder.models["tiny"])
    let decoder = try SyntheticDecoder.loaded("tiny")
    let latents = [(5, 7), (16, 3), (1, 1), (9, 9)].map { model.latent($0.0, $0.1) }
    let alone = latents.map { decoder($0) }
    await withTaskGroup(of: (Int, Tensor).self) { group in
      for index in 0..<16 {
        group.addTask { (index, decoder(latents[index % latents.count])) }
      }
      for await (index, image) in group { #expect(image == alone[index % latents.count]) }
    }
  }

  /// The synthetic weights are those of scripts/fixtures/synthetic.py.
  @Test func weightsEqualNumpy() throws {
    struct Golden: Decodable {
      let tensors: Int
      let checksum: String
    }
    let goldens = try JSONDecoder().decode(
      [String: Golden].self,
      from: Data(contentsOf: URL(fileURLWithPath: goldens.path("synthetic_decoders.json"))))
    #expect(Set(goldens.keys) == Set(SyntheticDecoder.models.keys))
    for (name, golden) in goldens {
      let tensors = try #require(SyntheticDecoder.models[name]).tensors
      var (hash, start) = (UInt64(0xCBF2_9CE4_8422_2325), 0)
      for tensor in tensors {
        let values = tensor.values()
        for index in stride(from: (61 - start % 61) % 61, to: values.count, by: 61) {
          hash = (hash ^ UInt64(values[index].bitPattern)) &* 0x100_0000_01B3
        }
        start += values.count
      }
      #expect(tensors.count == golden.tensors, "\(name)")
      #expect(String(hash, radix: 16) == golden.checksum.drop { $0 == "0" }, "\(name)")
    }
  }
}
