import Checkpoints
import FeatureExtractors
import Files
import Foundation
import Tensors
import Testing
import _TestSupport

/// Weights in the layouts of TensorFlow and NVIDIA. thin.pb was run by TensorFlow, thin.pt written by
/// torch.jit.save, from the tensors in thin.npy (scripts/fixtures/weights.py).
@Suite struct RecognizedWeightsTests {
  /// All tensors of the network's names, one after the other.
  static func values(_ weights: RecognizedWeights) throws -> [Float] {
    try (weights.tensorNames ?? []).flatMap { name in
      try weights.state.tensor(name, shape: weights.state.info(name)?.shape ?? []).values
    }
  }

  @Test(
    "files of TensorFlow and PyTorch hold the tensors they were written from",
    arguments: [("thin.pb", "tensorflow-graph"), ("thin.pt", "nvidia-torchscript")])
  func goldens(name: String, layout: String) throws {
    let weights = try RecognizedWeights(path: fixture(name))
    #expect(weights.layout.rawValue == layout)
    #expect(try Self.values(weights) == NPYArray.read(fixture("thin.npy")).floats())
    #expect(
      weights.state.info("Mixed_6b.branch7x7_2.conv.weight")?.shape == [1, 1, 1, 7]
        && weights.state.info("Mixed_5c.branch1x1.conv.weight")?.shape == [1, 4, 1, 1]
        && weights.state.info("fc.weight")?.shape == [1008, 6])
    #expect(Set(weights.state.names) == Set(try #require(weights.tensorNames)))
    // Only the extents are not those of the network.
    let failure = failure { try weights.extractor() }
    #expect(failure?.code == .checkpointMismatch)
    #expect(failure?.detail.contains("missing") == false)
    #expect(failure?.detail.contains("unexpected") == false)
  }

  @Test func namesAreThoseOfTheSyntheticNetwork() throws {
    let weights = try RecognizedWeights(path: fixture("thin.pb"))
    let names = try InceptionV3Tests.tensors().map(\.key)
    #expect(weights.tensorNames == names)
  }

  @Test("a prefix is taken away") func prefix() throws {
    let names = [
      "Conv2d_1a_3x3.conv.weight", "Mixed_7c.branch_pool.conv.weight", "fc.weight",
    ]
    for prefix in ["", "model.", "module.inception."] {
      try withStateDict(names.map { tensor(prefix + $0, [1]) }) { _, path in
        let weights = try RecognizedWeights(path: path)
        #expect(weights.state.names == names)
      }
    }
  }

  @Test(
    "other networks are refused",
    arguments: [
      (["model.Mixed_7c.branch_pool.conv.weight", "model.AuxLogits.fc.weight"], "torchvision"),
      (["blocks.0.0.conv.weight", "blocks.3.2.branch_pool.conv.weight"], "classifier"),
    ])
  func refused(names: [String], reason: String) throws {
    try withStateDict(names.map { tensor($0, [1]) }) { _, path in
      let failure = failure { try RecognizedWeights(path: path) }
      #expect(failure?.code == .notAnExtractor && failure?.detail.contains(reason) == true)
    }
  }

  @Test("a tar archive in gzip is to be unpacked") func archive() throws {
    try withFile([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3] + [UInt8](repeating: 0, count: 20)) { path in
      let failure = failure { try RecognizedWeights(path: path) }
      #expect(failure?.code == .notAnExtractor && failure?.detail.contains("tar") == true)
    }
  }

  @Test("NVIDIA's names must all be there, and no others", arguments: ["missing", "unexpected"])
  func nvidia(problem: String) throws {
    var tensors = [tensor("layers.conv.weight", [32, 3, 3, 3]), tensor("layers.conv.beta", [32])]
    if problem == "unexpected" { tensors.append(tensor("layers.conv.gamma", [32])) }
    try withStateDict(tensors) { _, path in
      let failure = failure { try loadExtractor(path: path) }
      #expect(failure?.code == .checkpointMismatch)
      #expect(failure?.detail.contains("Conv2d_1a_3x3.bn.running_mean") == true)
      #expect(
        failure?.detail.contains("1 unexpected: layers.conv.gamma") == (problem == "unexpected"))
    }
  }
}

/// Graphs that are not those of the network, and files that are no graphs.
@Suite struct InceptionGraphTests {
  private func refusal(_ graph: GraphFile) throws -> Failure? {
    try withFile(graph.bytes) { path in failure { try RecognizedWeights(path: path) } }
  }

  private static func text(_ text: String) -> [UInt8] { Array(text.utf8) }

  /// A change of one node, and the node that the refusal names.
  static let changes: [(node: String, old: [UInt8], new: [UInt8], blamed: String)] = [
    // strides
    ("conv/Conv2D", [1, 2, 2, 1], [1, 1, 1, 1], "conv"),
    ("mixed/conv/Conv2D", [1, 1, 1, 1], [1, 2, 2, 1], "mixed/conv/Conv2D"),
    ("mixed_3/conv/Conv2D", [1, 2, 2, 1], [1, 3, 3, 1], "mixed_3/conv/Conv2D"),
    // ε of 0.002
    (
      "mixed_7/conv/batchnorm", withUnsafeBytes(of: Float(0.001)) { Array($0) },
      withUnsafeBytes(of: Float(0.002)) { Array($0) }, "mixed_7/conv/batchnorm"
    ),
    // other operations
    ("conv_4", text("Relu"), text("Tanh"), "pool_1"),
    ("mixed_10/tower_2/pool", text("MaxPool"), text("AvgPool"), "mixed_10/tower_2/pool"),
    ("mixed_9/tower_2/pool", text("AvgPool"), text("MaxPool"), "mixed_9/tower_2/pool"),
    ("pool", [1, 3, 3, 1], [1, 2, 2, 1], "pool"),
    ("pool_3", [1, 8, 8, 1], [1, 7, 7, 1], "pool_3"),
    // other joints: a branch twice, from another layer, joined along another axis
    (
      "mixed_5/join", text("mixed_5/tower_1/conv_4"), text("mixed_5/tower_1/conv_3"), "mixed_6/conv"
    ),
    ("mixed_1/conv/Conv2D", text("mixed/join"), text("mixed/conv"), "mixed_1/conv"),
    ("mixed_2/join/concat_dim", [0x3A, 1, 3], [0x3A, 1, 2], "mixed_2/join"),
    ("mixed_4/conv/Conv2D", text("mixed_3/join"), text("mixed_3/nine"), "mixed_3/nine"),
    // in a circle
    ("conv_1/Conv2D", text("\u{4}conv"), text("\u{4}pool"), "a chain without end"),
    // the classifier
    ("softmax/logits/MatMul", text("pool_3/_reshape"), text("mixed_10/joined"), "softmax/logits"),
  ]

  @Test("another network is refused", arguments: changes.indices)
  func changed(index: Int) throws {
    let (node, old, new, blamed) = Self.changes[index]
    var graph = try GraphFile(path: fixture("thin.pb"))
    let isReplaced = graph.replace(old, with: new, in: node)
    try #require(isReplaced)
    let failure = try refusal(graph)
    #expect(failure?.code == .graphMismatch && failure?.status == .dataRefused)
    #expect(failure?.detail.contains(blamed) == true, "\(failure?.detail ?? "")")
  }

  @Test(
    "a missing node", arguments: ["softmax/weights", "mixed_8/tower/conv/batchnorm/beta", "pool_3"])
  func missing(name: String) throws {
    var graph = try GraphFile(path: fixture("thin.pb"))
    graph.nodes.removeAll { $0.name == name }
    let failure = try refusal(graph)
    #expect(failure?.code == .graphMismatch && failure?.detail.contains(name) == true)
  }

  @Test func aNodeTwice() throws {
    var graph = try GraphFile(path: fixture("thin.pb"))
    graph.nodes.append(graph.nodes[0])
    #expect(try refusal(graph)?.code == .graphMalformed)
  }

  /// Shapes and contents that do not agree, or are not those of weights.
  @Test(
    "constants that are not what they say",
    arguments: [
      ([1, 1], 4, 1, "GraphMismatch"), ([1, 1, 1, 1], 8, 1, "TensorInvalid"),
      ([1, 1, 1, 1], 3, 1, "TensorInvalid"), ([1, 1, 1, -1], 4, 1, "TensorInvalid"),
      ([1 << 40, 1 << 40, 1, 1], 4, 1, "TensorInvalid"),
      ([1 << 30, 1, 1, 1], 0, 1, "TensorInvalid"),
      ([1, 1, 1, 1, 1, 1, 1, 1, 1], 4, 1, "TensorInvalid"),
      ([1, 1, 1, 1], 4, 2, "DtypeUnsupported"),
      ([1, 1, 1, 1], 4, 3, "GraphMismatch"),
    ] as [([Int], Int, UInt8, String)])
  func constants(shape: [Int], bytes: Int, type: UInt8, code: String) throws {
    var graph = try GraphFile(path: fixture("thin.pb"))
    graph.setConstant(
      "conv_3/conv2d_params", shape: shape, content: [UInt8](repeating: 0, count: bytes), type: type
    )
    let failure = try refusal(graph)
    #expect(failure?.code.rawValue == code, "\(failure?.detail ?? "")")
  }

  /// Two bytes for each node are the most that a file can ask of the reader.
  @Test func veryManyNodes() throws {
    let graph = [0x0A, 0x06, 0x0A, 0x04] + Array("conv".utf8)
    let empty = [UInt8](repeating: 0, count: 100_000).flatMap { _ in [0x0A, 0x00] as [UInt8] }
    let refused: Failure? = try withFile(graph + empty) { path in
      failure { try RecognizedWeights(path: path) }
    }
    #expect(refused?.code == .graphMalformed)
  }

  @Test("every prefix is refused") func prefixes() throws {
    let whole = try GraphFile(path: fixture("thin.pb")).bytes
    let counts = Array(0..<400) + stride(from: 400, to: whole.count, by: 331)
    for count in counts {
      let refused: Failure? = try withFile(Array(whole[..<count])) { path in
        failure { try RecognizedWeights(path: path) }
      }
      #expect(refused?.status == .dataRefused, "\(count)")
    }
  }

  @Test("a changed byte is refused or harmless") func mutations() throws {
    var bytes = try GraphFile(path: fixture("thin.pb")).bytes
    var random = SeededGenerator(seed: 4)
    for _ in 0..<600 {
      let index = Int.random(in: bytes.indices, using: &random)
      let old = bytes[index]
      bytes[index] = .random(in: .min ... .max, using: &random)
      let refused: Failure? = try withFile(bytes) { path in
        failure { try RecognizedWeightsTests.values(RecognizedWeights(path: path)) }
      }
      #expect(refused == nil || refused?.status == .dataRefused)
      bytes[index] = old
    }
  }
}

/// Programs of torch.jit whose objects are not as they should be.
@Suite struct TorchScriptTests {
  /// Modules that hold the next one twice: a tree of 2^40 paths.
  @Test func sharedModules() throws {
    var pickle: [UInt8] = [0x80, 2] + object([])
    pickle += [0x71, 0]
    for _ in 0..<40 {
      // The next object holds what slot 0 remembers as `a` and as `b`, and goes to slot 0 itself.
      pickle += object([("a", [0x68, 0]), ("b", [0x68, 0])]) + [0x71, 0]
    }
    let failure = try program(pickle, drop: 40)
    #expect(failure?.code == .pickleLimit, "\(String(describing: failure))")
  }

  @Test("a root that is no module", arguments: [[0x7D], [0x4E], [0x5D]] as [[UInt8]])
  func noModule(root: [UInt8]) throws {
    #expect(try program([0x80, 2] + root, drop: 0)?.code == .notAStateDict)
  }

  @Test func anObjectOfTheSystem() throws {
    let pickle = [0x80, 2] + Array("cos\nsystem\n".utf8) + [0x29, 0x81]
    #expect(try program(pickle, drop: 0)?.code == .pickleForbidden)
  }

  /// `GLOBAL __torch__ M, EMPTY_TUPLE, NEWOBJ, EMPTY_DICT, MARK, ..., SETITEMS, BUILD`
  private func object(_ attributes: [(name: String, value: [UInt8])]) -> [UInt8] {
    var bytes = Array("c__torch__\nM\n".utf8) + [0x29, 0x81, 0x7D, 0x28]
    for attribute in attributes {
      bytes += [0x58, UInt8(attribute.name.utf8.count), 0, 0, 0] + Array(attribute.name.utf8)
      bytes += attribute.value
    }
    return bytes + [0x75, 0x62]
  }

  /// Opens a program with that pickle, which leaves `drop` values below the one it is about.
  private func program(_ pickle: [UInt8], drop: Int) throws -> Failure? {
    // The value on top is remembered, all are taken off, and it comes back.
    var bytes = pickle
    if drop > 0 {
      bytes += [0x71, 1] + [UInt8](repeating: 0x30, count: drop + 1) + [0x68, 1]
    }
    let folder = try TemporaryFolder()
    let path = folder.path("program.pt")
    var archive = try ZipWriter(path: path)
    try archive.add("p/data.pkl", bytes + [0x2E])
    try archive.add("p/code/m.py", Array("class M(Module): pass".utf8))
    try archive.add("p/version", Array("3\n".utf8))
    try archive.commit()
    return failure { try CheckpointFile.open(path) }
  }
}

private func tensor(_ key: String, _ shape: [Int]) -> SyntheticTensor {
  SyntheticTensor(key: key, shape: shape) { [Float](repeating: 0, count: shape.reduce(1, *)) }
}
