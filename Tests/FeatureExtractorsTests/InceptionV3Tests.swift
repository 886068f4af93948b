import Checkpoints
import FeatureExtractors
import Files
import Foundation
import Images
import Tensors
import Testing
import _TestSupport

/// pytorch-fid's network on synthetic weights. Each random layer amplifies rounding, so a trained
/// network agrees better than these tolerances say.
@Suite struct InceptionV3Tests {
  /// The tensors that pytorch-fid's state dict has.
  static func tensors() throws -> [SyntheticTensor] {
    SyntheticInception.tensors(
      statistics: try NPYArray.read(fixture("inception_bn.npy")).floats())
  }

  /// Loaded once for all tests.
  static let network = Result {
    try #require(prepareLinearAlgebra(callers: 2))
    return try withStateDict(tensors()) { state, _ in try InceptionV3(state) }
  }

  @Test(
    "features and logits agree with pytorch-fid",
    arguments: ["photos_64", "photos_150x200", "photos_305x310"])
  func pytorchFID(name: String) throws {
    let network = try Self.network.get()
    let photos = try ImageSource(path: fixture("\(name).npy"))
    let features = try NPYArray.read(fixture("\(name).pytorch.features.npy")).floats()
    let logits = try NPYArray.read(fixture("\(name).logits.npy")).floats()
    let unbiased = try NPYArray.read(fixture("\(name).logits_unbiased.npy")).floats()
    for index in 0..<photos.count {
      let output = try network(photos.image(at: index), .pytorch)
      let biased = zip(output.logits, network.classifierBias.values).map { $0 + $1 }
      for worst in [
        worst(output.features, features[index * 2048..<(index + 1) * 2048]),
        worst(output.logits, unbiased[index * 1008..<(index + 1) * 1008]),
        worst(biased, logits[index * 1008..<(index + 1) * 1008]),
      ] {
        #expect(worst.relative <= 1e-4, "\(name)[\(index)] \(worst)")
      }
    }
  }

  /// The operations by the definition are those of pytorch-fid's 94 convolutions.
  @Test func everyOperationIsTimed() throws {
    let times = try Self.network.get().operationTimes(rounds: 1)
    #expect(times.filter { $0.method != "pool" }.reduce(0) { $0 + $1.count } == 94)
    #expect(times.reduce(0) { $0 + $1.operations } == 2 * 5_711_168_096)
    #expect(times.allSatisfy { $0.seconds > 0 })
    #expect(zip(times, times.dropFirst()).allSatisfy { $0.seconds >= $1.seconds })
  }

  /// What PyTorch's autocast loses on the same photographs, relative to the root mean squares.
  private struct Autocast: Decodable {
    let features: Double
    let logits: Double
  }

  @Test("bfloat16 is nearer to float64 than PyTorch's") func bfloat16() throws {
    let network = try withStateDict(try Self.tensors()) { state, _ in
      try InceptionV3(state, precision: .bfloat16)
    }
    let autocast = try JSONDecoder().decode(
      Autocast.self, from: Data(contentsOf: URL(fileURLWithPath: fixture("autocast.json"))))
    let photos = try ImageSource(path: fixture("photos_64.npy"))
    let outputs = try (0..<photos.count).map { try network(photos.image(at: $0), .pytorch) }
    func error(_ got: [Float], _ golden: String) throws -> Double {
      let expected = try NPYArray.read(fixture(golden)).floats()
      #expect(got.count == expected.count)
      let squares = zip(got, expected).map { (Double($0 - $1) * Double($0 - $1), Double($1 * $1)) }
      return (squares.reduce(0) { $0 + $1.0 } / squares.reduce(0) { $0 + $1.1 }).squareRoot()
    }
    let features = try error(outputs.flatMap(\.features), "photos_64.pytorch.features.npy")
    let logits = try error(outputs.flatMap(\.logits), "photos_64.logits_unbiased.npy")
    // 0.042 where autocast has 0.106. Float32 has 1e-5, so less than 1e-3 would be no bfloat16.
    #expect((1e-3..<autocast.features / 2).contains(features))
    #expect((1e-3..<autocast.logits / 2).contains(logits))
  }

  @Test("a result does not depend on what else is computed") func independence() async throws {
    let network = try Self.network.get()
    let photos = try ImageSource(path: fixture("photos_64.npy"))
    let alone = try network(photos.image(at: 0), .pytorch)
    let beside = try await withThrowingTaskGroup(of: (Int, ExtractedFeatures).self) { group in
      for index in [1, 0, 2] {
        group.addTask { (index, try network(photos.image(at: index), .pytorch)) }
      }
      return try await group.first { $0.0 == 0 }?.1
    }
    #expect(beside == alone)
    let images = try [1, 0, 2].map { try photos.image(at: $0) }
    #expect(network(images, .pytorch)[1] == alone)
  }

  @Test(
    "features agree under the preparations of clean-fid and of the TensorFlow graph",
    arguments: ["photos_64", "photos_150x200"],
    [("tensorflow", Preparation.tensorFlow), ("clean", .clean)])
  func otherPreparations(name: String, mode: (String, Preparation)) throws {
    let network = try Self.network.get()
    let photos = try ImageSource(path: fixture("\(name).npy"))
    let golden = try NPYArray.read(fixture("\(name).\(mode.0).features.npy"))
    let features = golden.floats()
    for index in 0..<golden.shape[0] {
      let output = try network(photos.image(at: index), mode.1)
      let worst = worst(output.features, features[index * 2048..<(index + 1) * 2048])
      #expect(worst.relative <= 1e-4, "\(name)[\(index)] \(mode.0) \(worst)")
    }
  }

  @Test(
    "the features of sFID agree, in guided-diffusion's order",
    arguments: ["photos_150x200", "photos_305x310"])
  func spatialFeatures(name: String) throws {
    let network = try Self.network.get()
    let photos = try ImageSource(path: fixture("\(name).npy"))
    let golden = try NPYArray.read(fixture("\(name).spatial.npy"))
    #expect(golden.shape == [photos.count, network.spatialDimension])
    let output = try network(photos.image(at: 0), .pytorch)
    let worst = worst(output.spatial, golden.floats()[...])
    #expect(worst.relative <= 1e-4, "\(name) \(worst)")
  }

  @Test("a tensor missing, misshaped or one too many is refused") func mismatches() throws {
    func failure(_ change: (inout [SyntheticTensor]) -> Void) throws -> Failure? {
      var tensors = try Self.tensors()
      change(&tensors)
      return try withStateDict(tensors) { _, path in
        FeatureExtractorsTests.failure { try loadExtractor(path: path) }
      }
    }
    let missing = try failure { $0.removeFirst() }
    #expect(missing?.code == .checkpointMismatch)
    #expect(missing?.detail.contains("Conv2d_1a_3x3.conv.weight") == true)
    let unexpected = try failure { $0.append(zeros("fc.gain", [1])) }
    #expect(unexpected?.code == .checkpointMismatch)
    let misshaped = try failure { $0[1] = zeros("Conv2d_1a_3x3.bn.weight", [31]) }
    #expect(misshaped?.code == .checkpointMismatch)
    let counted = try failure {
      $0.append(zeros("Mixed_7c.branch_pool.bn.num_batches_tracked", []))
    }
    #expect(counted == nil)
  }
}

@Suite struct LoadExtractorTests {
  @Test(
    "torchvision's network and other networks are refused by name",
    arguments: [
      (["Mixed_7c.branch_pool.conv.weight", "AuxLogits.fc.weight"], "torchvision"),
      (["Mixed_7c.branch_pool.conv.weight", "fc.weight"], "torchvision"),
      (["mid_block.mixer.in_proj.weight"], "diffusion"),
      (["weight"], "unknown"),
    ])
  func refused(names: [String], reason: String) throws {
    let tensors = names.map { zeros($0, $0 == "fc.weight" ? [1000, 2048] : [1]) }
    try withStateDict(tensors) { _, path in
      let failure = failure { try loadExtractor(path: path) }
      #expect(failure?.code == .notAnExtractor && failure?.detail.contains(reason) == true)
    }
  }

  @Test func missing() {
    #expect(failure { try loadExtractor(path: "/nowhere") }?.status == .inputMissing)
  }
}

private func zeros(_ key: String, _ shape: [Int]) -> SyntheticTensor {
  SyntheticTensor(key: key, shape: shape) { [Float](repeating: 0, count: shape.reduce(1, *)) }
}
