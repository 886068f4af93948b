import Checkpoints
import Files
import Tensors
import Testing

/// The goldens are written by torch 2.15 itself, see scripts/fixtures/checkpoints.py.
@Suite struct TorchFileTests {
  static let cases = [
    "ordered", "module", "batch_norm", "types", "untyped", "shared", "strided", "scalar_and_empty",
    "parameter", "numpy_values", "python_values", "dis", "parallel", "wrapped",
  ]
  static let files =
    cases.flatMap { [($0, "zip"), ($0, "legacy")] }
    + ["cuda", "protocol4", "protocol5"].map { ($0, "zip") }

  @Test("reads every tensor that torch writes", arguments: files)
  func readsTensors(name: String, layout: String) throws {
    let file = try CheckpointFile.open(fixture("torch/\(name).\(layout).pt"))
    var found: [String: NPYArray] = [:]
    for key in file.stateDictKeys {
      let state = try file.stateDict(key: key)
      let prefix = key == "state_dict" ? "" : "\(key)/"
      for info in state.infos { found[prefix + info.name] = try state.array(info.name) }
    }
    if file.stateDictKeys.isEmpty {
      let state = try file.stateDict(key: nil)
      for info in state.infos { found[info.name] = try state.array(info.name) }
    }
    // An array of numpy is read as a tensor too, which it is not for torch.
    if name == "numpy_values" {
      #expect(try found.removeValue(forKey: "array")?.integers() == [0, 1, 2])
    }
    let expected = try NPZ.read(fixture("torch/\(name).npz"))
    #expect(found.keys.sorted() == expected.names.sorted())
    for (path, tensor) in found {
      let golden = try expected.array(path)
      #expect(tensor.shape == golden.shape, "\(path)")
      #expect(tensor.doubles() == golden.doubles(), "\(path)")
      let hasNoNumpyType = path.contains("bfloat16") || path == "u16"
      #expect(hasNoNumpyType || tensor.type == golden.type, "\(path)")
    }
  }

  @Test(
    "a DiS checkpoint has two state dicts, and ema is the one meant", arguments: ["zip", "legacy"])
  func choosesEMA(layout: String) throws {
    let file = try CheckpointFile.open(fixture("torch/dis.\(layout).pt"))
    #expect(file.format == (layout == "zip" ? .torchZip : .torchLegacy))
    #expect(file.stateDictKeys == ["model", "ema"])
    #expect(file.inertClasses == ["argparse.Namespace"])
    // Its other arguments are not strings.
    #expect(file.arguments == ["model": "DiS-S/2"])
    let model = try file.stateDict(key: "model").tensor("weight", shape: [2, 3])
    let ema = try file.stateDict(key: nil).tensor("weight", shape: [2, 3])
    #expect(ema.values == model.values.map { 2 * $0 })
    #expect(code { try file.stateDict(key: "opt") } == "CheckpointKeyMissing")
  }

  @Test func aFileWithoutEMAIsNotGuessedAt() throws {
    let file = try CheckpointFile.open(fixture("torch/parallel.zip.pt"))
    do {
      _ = try file.stateDict(key: nil)
      Issue.record("a state dict was chosen")
    } catch {
      #expect(error.code == .checkpointKeyMissing)
      #expect(error.detail.contains("`checkpointKey` model"))
    }
  }

  @Test func thePrefixOfDistributedTrainingIsRemoved() throws {
    let state = try CheckpointFile.open(fixture("torch/parallel.zip.pt")).stateDict(key: "model")
    #expect(state.infos.map(\.name) == ["weight", "bias"])
  }

  @Test func aWrapperAloneIsLookedThrough() throws {
    let file = try CheckpointFile.open(fixture("torch/wrapped.zip.pt"))
    #expect(file.stateDictKeys == ["state_dict"])
    let taken = try file.taken(nil)
    #expect(taken.key == "state_dict")
    #expect(try file.stateDict(key: nil).infos.map(\.shape) == [[2, 3], [2]])
    #expect(code { try file.stateDict(key: "ema") } == "CheckpointKeyMissing")
  }

  @Test func aFileWithoutTensorsOpensButHasNoStateDict() throws {
    let file = try CheckpointFile.open(fixture("torch/optimizer.zip.pt"))
    #expect(code { try file.stateDict(key: nil) } == "NotAStateDict")
  }

  @Test func theSameWeightsAreReadFromBothFormats() throws {
    let torch = try CheckpointFile.open(fixture("tiny_odd.pt")).stateDict(key: nil)
    let safetensors = try CheckpointFile.open(fixture("tiny_odd.safetensors")).stateDict(key: nil)
    #expect(torch.infos.count == 63)
    #expect(Set(torch.names) == Set(safetensors.names))
    for info in torch.infos {
      #expect(try torch.array(info.name) == safetensors.array(info.name))
    }
  }

  @Test func bigEndianStoragesAreSwapped() throws {
    try withFile(try hostileBytes("C23-big-endian")) { path in
      let array = try CheckpointFile.open(path).stateDict(key: nil).array("w")
      let swapped = (0..<16).flatMap { withUnsafeBytes(of: Float($0)) { Array($0.reversed()) } }
      #expect(array.bytes == swapped)
    }
  }

  @Test func aTensorOfMoreArgumentsThanItsFunctionTakesIsRefused() throws {
    // The last two arguments: no gradient, and no hooks.
    let end = Array("\u{89}ccollections\nOrderedDict\n)Rt".unicodeScalars.map { UInt8($0.value) })
    let file = try hostileBytes("C26-legacy")
    #expect(file.firstRange(of: end) != nil)
    func changed(_ more: String) -> [UInt8] {
      file.replacing(end, with: end.dropLast() + Array("\(more)t".utf8))
    }
    #expect(code { try withFile(changed("N"), loadEverything) } == nil, "the metadata")
    #expect(code { try withFile(changed("NN"), loadEverything) } == "TensorInvalid")
  }

  @Test func aViewThatNegatesIsRefused() throws {
    let state = try CheckpointFile.open(fixture("torch/negated.zip.pt")).stateDict(key: nil)
    #expect(try state.array("plain").doubles() == [1, 1])
    #expect(code { try state.array("negated") } == "DtypeUnsupported")
    // The same bit, but not set.
    let end = Array("X\u{3}\u{0}\u{0}\u{0}neg".utf8)
    let file = try hostileBytes("C26-legacy")
    let arguments = Array(
      "\u{89}ccollections\nOrderedDict\n)Rt".unicodeScalars.map { UInt8($0.value) })
    func changed(_ bit: UInt8) -> [UInt8] {
      file.replacing(
        arguments, with: arguments.dropLast() + Array("}".utf8) + end + [bit] + Array("st".utf8))
    }
    #expect(code { try withFile(changed(0x89), loadEverything) } == nil)
    #expect(code { try withFile(changed(0x88), loadEverything) } == "DtypeUnsupported")
  }

  /// No step is ever taken along such an axis, so PyTorch takes any stride for it too.
  @Test func theStrideOfAnAxisOfOnePositionMayBeAnyNumber() throws {
    // Offset 0, shape (4, 4), strides (4, 1).
    let view = Array("QK\u{0}(K\u{4}K\u{4}t(K\u{4}K\u{1}t".utf8)
    // Offset 1, shape (1, 2), strides (2^63 - 1, 2).
    let other =
      Array("QK\u{1}(K\u{1}K\u{2}t(".utf8) + [0x8A, 8] + [UInt8](repeating: 0xFF, count: 7) + [0x7F]
      + Array("K\u{2}t".utf8)
    let file = try hostileBytes("C26-legacy")
    #expect(file.firstRange(of: view) != nil)
    try withFile(file.replacing(view, with: other)) { path in
      let array = try CheckpointFile.open(path).stateDict(key: nil).array("w")
      #expect(array == NPYArray(floats: [1, 3], shape: [1, 2]))
    }
  }

  // MARK: Python 2

  /// A pickle that ends with `OrderedDict(items)`, as the `vgg.pth` of LPIPS has it.
  private func orderedDict(_ items: String, then end: String = ".") -> [UInt8] {
    [0x80, 2] + Array("ccollections\nOrderedDict\n\(items)".utf8) + [0x85] + Array("R\(end)".utf8)
  }

  @Test(arguments: ["(](U\u{1}aK\u{1}e](U\u{1}bK\u{2}ee", "((U\u{1}aK\u{1}t(U\u{1}bK\u{2}te"])
  func orderedDictionariesOfPython2AreRead(pairs: String) throws {
    try withFile(orderedDict("]" + pairs)) { path in
      let value = try PickledValue.read(path)
      #expect(value.keys == ["a", "b"], "\(value.description)")
    }
    // It has attributes, which are left out, such as torch's metadata.
    try withFile(orderedDict("]" + pairs, then: "}U\u{1}mK\u{1}sb.")) { path in
      let value = try PickledValue.read(path)
      #expect(value.keys == ["a", "b"], "\(value.description)")
    }
  }

  @Test(arguments: ["](](U\u{1}aK\u{1}K\u{2}ee", "](K\u{1}e", "}", "K\u{1}"])
  func otherArgumentsAreAnInertObject(argument: String) throws {
    try withFile(orderedDict(argument)) { path in
      let value = try PickledValue.read(path)
      #expect(value.keys == nil, "\(value.description)")
    }
  }

  @Test func hostileOrderedDictionariesAreRefused() throws {
    func read(_ bytes: [UInt8]) -> String? {
      code { try withFile(bytes) { path in _ = try PickledValue.read(path) } }
    }
    #expect(read(orderedDict("](](](K\u{1}eK\u{1}ee")) == "PickleMalformed", "a list as a key")
    // 1,000 pairs, of which the memo makes 3,000 dictionaries.
    let pair = "](U\u{1}aK\u{1}e"
    let list = Array("](\(String(repeating: pair, count: 1000))eq\u{1}0".utf8)
    let name = Array("ccollections\nOrderedDict\n".utf8)
    let call = name + Array("h\u{1}".utf8) + [0x85] + Array("R0".utf8)
    let bomb = [0x80, 2] + list + (0..<3000).flatMap { _ in call } + Array("N.".utf8)
    #expect(read(bomb) == "PickleLimit")
  }
}
