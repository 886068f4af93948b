import Checkpoints
import Files
import Foundation
import Tensors
import Testing
import _TestSupport

/// State dicts inside modules that wrap the network, and what trainers keep beside them. The network has
/// the tensors `a.w` and `b.w`.
@Suite struct WrappedWeightsTests {
  private static func network(_ number: Float, prefix: String = "") -> [(TorchValue, TorchValue)] {
    ["a.w", "b.w"].map { (.text(prefix + $0), .tensor([number, number], [2])) }
  }

  private func taken(
    _ value: TorchValue, key: String? = nil
  ) throws -> (key: String?, prefix: String, beside: [String], number: Float) {
    try withFile(torchFile(value)) { path in
      let (key, state) = try CheckpointFile.open(path).taken(key) { $0.info("a.w") != nil }
      return (
        key, state.prefix, state.namesBeside, try state.tensor("a.w", shape: [2]).values[0]
      )
    }
  }

  @Test(
    arguments: [
      "model.", "net.", "_orig_mod.", "module.", "module._orig_mod.", "_orig_mod.module.",
      "module.model.net.", "é.",
    ])
  func aCommonPrefixIsTakenOff(prefix: String) throws {
    let found = try taken(.dictionary(Self.network(1, prefix: prefix)))
    #expect(found.prefix == prefix)
    #expect(found.number == 1)
  }

  @Test func nothingIsTakenOffANetwork() throws {
    // `a` is common to all, but the network has it.
    try withFile(torchFile(.named(["a.w": .tensor([1], [1]), "a.v": .tensor([1], [1])]))) { path in
      let state = try CheckpointFile.open(path).taken(nil) { $0.info("a.w") != nil }.state
      #expect(state.prefix == "")
      #expect(state.names == ["a.w", "a.v"])
    }
  }

  @Test func withoutANetworkTheNamesStay() throws {
    try withFile(torchFile(.dictionary(Self.network(1, prefix: "model.")))) { path in
      let state = try CheckpointFile.open(path).taken(nil) { _ in false }.state
      #expect(state.names == ["model.a.w", "model.b.w"])
    }
  }

  @Test func numbersBesideDoNotCount() throws {
    let average = TorchValue.dictionary(
      [(.text("n_averaged"), .integers([7], [])), (.text("decay"), .integer(1))]
        + Self.network(2, prefix: "module."))
    let found = try taken(.named(["model": .dictionary(Self.network(1)), "ema": average]))
    #expect(found.key == "ema")
    #expect(found.prefix == "module.")
    #expect(found.beside == ["n_averaged", "decay"])
    #expect(found.number == 2)
  }

  @Test func halfAPrefixIsRefused() throws {
    let half = Self.network(1).prefix(1) + Self.network(1, prefix: "module.").suffix(1)
    #expect(code { try taken(.dictionary(Array(half))) } == "ModulePrefix")
  }

  @Test func averagedWeightsInTheSameDictionary() throws {
    let both =
      [(TorchValue.text("step"), TorchValue.integers([7], []))]
      + Self.network(1, prefix: "online_model.model.") + Self.network(2, prefix: "ema_model.model.")
    for (value, key) in [
      (TorchValue.dictionary(both), "ema_model"),
      (.named(["model": .dictionary(Self.network(1)), "ema": .dictionary(both)]), "ema.ema_model"),
    ] {
      let found = try taken(value)
      #expect(found.key == key)
      #expect(found.prefix == "model.")
      #expect(found.number == 2)
    }
    #expect(try taken(.dictionary(both), key: "online_model").number == 1)
    // The name of the dictionary stands for its averaged part.
    #expect(try taken(.named(["x": .dictionary(both)]), key: "x").number == 2)
  }

  @Test func partsThatDifferAreOneNetwork() throws {
    try withFile(
      torchFile(.named(["ema.a": .tensor([1], [1]), "model.b": .tensor([1], [1])]))
    ) { path in
      let keys = try CheckpointFile.open(path).stateDictKeys
      #expect(keys.isEmpty)
    }
  }

  @Test func twoAveragedPartsMustBeChosen() throws {
    let value = TorchValue.dictionary(
      Self.network(1, prefix: "ema1.") + Self.network(2, prefix: "ema_2."))
    let both = TorchValue.dictionary(
      Self.network(1, prefix: "ema_1.") + Self.network(2, prefix: "ema_2."))
    #expect(code { try taken(both) } == "CheckpointKeyMissing")
    #expect(try taken(both, key: "ema_1").number == 1)
    // Letters and digits are told apart: both are averaged.
    #expect(code { try taken(value) } == "CheckpointKeyMissing")
  }

  // MARK: Names in pickles

  private static func global(_ module: String, _ name: String) -> [UInt8] {
    Array("c\(module)\n\(name)\n".utf8)
  }

  static let harmless = [
    ("__builtin__", "list"), ("__builtin__", "xrange"), ("builtins", "frozenset"),
    ("builtins", "slice"), ("builtins", "range"), ("__builtin__", "type"),
    ("__builtin__", "Ellipsis"), ("functools", "partial"), ("collections", "defaultdict"),
    ("torch.optim.adamw", "AdamW"),
  ]

  @Test("plain values beside the weights do not matter", arguments: harmless.indices)
  func harmlessNames(index: Int) throws {
    let (module, name) = Self.harmless[index]
    let object = TorchValue.opcodes(Self.global(module, name) + Array(")R".utf8))
    let found = try taken(.named(["ema": .dictionary(Self.network(2)), "x": object]))
    #expect(found.number == 2)
  }

  static let harmful = [
    ("__builtin__", "eval"), ("builtins", "getattr"), ("builtins", "__import__"),
    ("functools", "reduce"), ("functools.partial", "x"), ("builtins.list", "x"), ("os", "system"),
    ("operator", "attrgetter"), ("builtins", "open"),
  ]

  @Test("names that run something are refused wherever they stand", arguments: harmful.indices)
  func harmfulNames(index: Int) throws {
    let (module, name) = Self.harmful[index]
    let object = TorchValue.opcodes(Self.global(module, name))
    #expect(
      code { try taken(.named(["ema": .dictionary(Self.network(2)), "x": object])) }
        == "PickleForbidden")
  }

  @Test func longIntegersBesideDoNotMatter() throws {
    func integer(_ count: UInt8) -> TorchValue {
      .opcodes([0x8A, count] + [UInt8](repeating: 1, count: Int(count)))
    }
    let weights = TorchValue.dictionary(Self.network(2))
    #expect(try taken(.named(["ema": weights, "uuid": integer(17)])).number == 2)
    #expect(code { try taken(.named(["ema": weights, "x": integer(65)])) } == "PickleLimit")
  }

  // MARK: Several files

  private func safetensors(_ names: String..., value: Float = 1) -> [UInt8] {
    SafetensorsWriter.encode(
      names.map { ($0, NPYArray(floats: [value, value], shape: [2])) }, metadata: [])
  }

  private func withFolder(
    _ files: [String: [UInt8]], _ body: (String) throws -> Void
  ) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, bytes) in files { try Data(bytes).write(to: folder.appending(path: name)) }
    try body(folder.path)
  }

  private static let index = "model.safetensors.index.json"

  private func index(_ shards: KeyValuePairs<String, String>) -> [UInt8] {
    let items = shards.map { "\"\($0.key)\": \"\($0.value)\"" }.joined(separator: ", ")
    return Array("{\"metadata\": {\"total_size\": 16}, \"weight_map\": {\(items)}}".utf8)
  }

  @Test func shardsAreOneStateDict() throws {
    let files = [
      "1.safetensors": safetensors("a.w"), "2.safetensors": safetensors("b.w", value: 2),
      Self.index: index(["a.w": "1.safetensors", "b.w": "2.safetensors"]),
    ]
    try withFolder(files) { folder in
      for path in [folder, "\(folder)/", "\(folder)/\(Self.index)"] {
        let state = try CheckpointFile.open(path).taken(nil).state
        #expect(state.names == ["a.w", "b.w"])
        #expect(try state.tensor("b.w", shape: [2]).values == [2, 2])
        #expect(try state.tensor("a.w", shape: [2]).values == [1, 1])
      }
      // The content of every file decides.
      let hash = try sha256(ofCheckpoint: folder)
      #expect(try sha256(ofCheckpoint: "\(folder)/\(Self.index)") == hash)
      try Data(safetensors("b.w", value: 3)).write(
        to: URL(fileURLWithPath: "\(folder)/2.safetensors"))
      #expect(try sha256(ofCheckpoint: folder) != hash)
    }
  }

  @Test func brokenIndicesAreRefused() throws {
    let (a, b) = (safetensors("a.w"), safetensors("b.w"))
    let cases: [(String, [String: [UInt8]])] = [
      ("SafetensorsMalformed", ["1.safetensors": a, Self.index: Array("{}".utf8)]),
      ("SafetensorsMalformed", ["1.safetensors": a, Self.index: index(["a.w": "../1"])]),
      ("SafetensorsMalformed", ["1.safetensors": a, Self.index: index(["a.w": "2.safetensors"])]),
      (
        "SafetensorsMalformed",
        [
          "1.safetensors": a, "2.safetensors": b,
          Self.index: index(["a.w": "2.safetensors", "b.w": "1.safetensors"]),
        ]
      ),
      (
        "SafetensorsMalformed",
        [
          "1.safetensors": a, Self.index: index(["a.w": "1.safetensors", "b.w": "1.safetensors"]),
        ]
      ),
      (
        "SafetensorsMalformed",
        ["1.safetensors": a, Self.index: index(["a.w": "1.safetensors", "a.w": "1.safetensors"])]
      ),
      ("NotACheckpoint", ["1.safetensors": a]),
      ("NotACheckpoint", [".metadata": [], "__0_0.distcp": a]),
    ]
    for (expected, files) in cases {
      try withFolder(files) { folder in
        #expect(code { try CheckpointFile.open(folder) } == expected, "\(files.keys)")
      }
    }
  }
}
