import Checkpoints
import Backbones
import Files
import Foundation
import Tensors
import Testing
import _TestSupport

@Suite("DiS configuration") struct ConfigurationTests {
  /// The two of 28 million parameters are loaded by the forward pass's tests.
  static let smallModels = SyntheticDiS.models.filter { $0.value.embedDim != 368 }.keys.sorted()

  @Test("is read from the shapes alone", arguments: smallModels)
  func fromShapes(name: String) throws {
    let synthetic = try #require(SyntheticDiS.models[name])
    let folder = try TemporaryFolder()
    let configuration = try DiSConfiguration(synthetic.stateDict(in: folder))
    #expect(configuration.embeddingDimension == synthetic.embedDim)
    #expect(2 * configuration.blocksPerHalf == synthetic.depth)
    #expect(configuration.patchSize == synthetic.patch)
    #expect(configuration.channels == synthetic.channels)
    #expect(configuration.imageSide == synthetic.side)
    #expect(configuration.classCount == synthetic.classes)
    #expect(configuration.learnsSigma == synthetic.learnSigma)
    #expect(configuration.hasSkips == synthetic.skip)
  }

  /// A small model with one change to its tensors.
  func load(_ change: (inout [SyntheticTensor]) -> Void) throws -> DiSModel {
    let folder = try TemporaryFolder()
    var tensors = try #require(SyntheticDiS.models["small"]).tensors
    change(&tensors)
    let url = folder.url.appendingPathComponent("changed.safetensors")
    try writeSafetensors(tensors, to: url)
    return try DiSModel(try CheckpointFile.open(url.path).stateDict(key: nil))
  }

  func zeros(_ key: String, _ shape: [Int]) -> SyntheticTensor {
    SyntheticTensor(key: key, shape: shape) {
      [Float](repeating: 0, count: shape.reduce(1, *))
    }
  }

  @Test func everyProblemIsReportedTogether() throws {
    let failure = try #require(throws: Failure.self) {
      try load { tensors in
        tensors.removeAll { $0.key == "mid_block.norm.weight" }
        tensors.append(zeros("decoder_pred.weight", [3, 3]))
        let at = tensors.firstIndex { $0.key == "in_blocks.1.mixer.conv1d_b.weight" } ?? 0
        tensors[at] = zeros(tensors[at].key, [96, 1, 3])
      }
    }
    #expect(failure.code == .checkpointMismatch && failure.status == .dataRefused)
    for part in [
      "mid_block.norm.weight", "decoder_pred.weight", "in_blocks.1.mixer.conv1d_b.weight",
      "[96, 1, 3]", "[96, 1, 4]",
    ] { #expect(failure.detail.contains(part), "\(failure)") }
  }

  @Test(
    "another network is refused by name",
    arguments: ["pos_embed", "patch_embed.proj.weight", "final_layer.linear.weight"])
  func notDiS(key: String) throws {
    let failure = try #require(throws: Failure.self) {
      try load { tensors in tensors.removeAll { $0.key == key } }
    }
    #expect(failure.code == .notADiSCheckpoint && failure.detail.contains(key))
  }

  @Test(
    "absurd shapes are refused, not computed with",
    arguments: [
      ("pos_embed", [1, 18, 48]), ("pos_embed", [1, 1, 48]), ("pos_embed", [17, 48]),
      ("patch_embed.proj.weight", [48, 3, 2, 1]), ("patch_embed.proj.weight", [48, 3, 2]),
      ("patch_embed.proj.weight", [1, 3, 2, 2]), ("final_layer.linear.weight", [25, 48]),
      ("norm_f.weight", []), ("norm_f.weight", [0]),
    ])
  func absurdShapes(key: String, shape: [Int]) throws {
    #expect(throws: Failure.self) {
      try load { tensors in
        let at = tensors.firstIndex { $0.key == key } ?? 0
        tensors[at] = zeros(key, shape)
      }
    }
  }
}
