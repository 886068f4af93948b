import CZlib
import Checkpoints
import FeatureExtractors
import Files

extension Reader {
  /// Files of weights.
  static let checkpoints = [
    Reader(name: "torch") { try readCheckpoint($0.path) },
    Reader(name: "torch-pickle") { try readCheckpoint(torchFile($0)) },
    Reader(name: "safetensors") { try readCheckpoint($0.path) },
    Reader(name: "pickle") { try readPickle($0.path) },
    Reader(name: "zip") { try readArchive($0.path) },
    Reader(name: "graph") { try readGraph($0.path) },
  ]
}

/// Reads all tensors of all state dicts.
private func readCheckpoint(_ path: String) throws {
  let file = try CheckpointFile.open(path)
  _ = try? file.taken(nil)
  for key in file.stateDictKeys.prefix(Reader.manyEnough) {
    if let state = try? file.stateDict(key: key) { try readTensors(state) }
  }
  if file.stateDictKeys.isEmpty { try readTensors(file.stateDict(key: nil)) }
}

private func readTensors(_ state: StateDict) throws {
  for info in state.infos.prefix(Reader.manyEnough) where !isLarge(info.shape) {
    let array = try state.array(info.name)
    expect(
      array.shape == info.shape && array.type == info.type
        && array.bytes.count == info.shape.reduce(info.type.size, *), "not the announced tensor")
    _ = array.type.isFloatingPoint ? try? state.tensor(info.name, shape: info.shape) : nil
  }
}

func isLarge(_ shape: [Int]) -> Bool {
  shape.contains(0) ? false : shape.reduce(1.0) { $0 * Double($1) } > Double(Reader.largeEnough)
}

/// Makes a file of torch whose pickle is the input. Checksums would hide a changed pickle in a whole
/// file.
private func torchFile(_ input: Input) -> String {
  archive(
    [
      ("archive/data.pkl", input.bytes), ("archive/byteorder", Array("little".utf8)),
      ("archive/data/0", (0..<64).map { $0 }), ("archive/data/1", []),
      ("archive/version", Array("3\n".utf8)),
    ], input)
}

/// Writes a zip file of stored entries. `ZipWriter` waits for the disk, which takes too long here.
func archive(_ entries: [(name: String, bytes: [UInt8])], _ input: Input) -> String {
  func little(_ value: Int, _ size: Int) -> [UInt8] {
    (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
  var (file, directory): ([UInt8], [UInt8]) = ([], [])
  for entry in entries {
    let name = Array(entry.name.utf8)
    let checksum = entry.bytes.withUnsafeBufferPointer { crc32_z(0, $0.baseAddress, $0.count) }
    // The version, flags, method, time and date; then the sizes, the length of the name, no more.
    let header =
      little(20, 2) + little(0, 8) + little(Int(checksum), 4) + little(entry.bytes.count, 4)
      + little(entry.bytes.count, 4) + little(name.count, 2) + little(0, 2)
    directory +=
      Array("PK\u{1}\u{2}".utf8) + little(20, 2) + header + little(0, 10) + little(file.count, 4)
    directory += name
    file += Array("PK\u{3}\u{4}".utf8) + header + name + entry.bytes
  }
  let end =
    Array("PK\u{5}\u{6}".utf8) + little(0, 4) + little(entries.count, 2) + little(entries.count, 2)
    + little(directory.count, 4) + little(file.count, 4) + little(0, 2)
  return input.file(file + directory + end, suffix: ".zip")
}

/// Reads a pickle and the values in it, as deep as statistics lie.
private func readPickle(_ path: String) throws { try visit(try PickledValue.read(path), depth: 0) }

private func visit(_ value: PickledValue, depth: Int) throws {
  _ = (value.description, value.integer)
  if let layout = try? value.layout(), !isLarge(layout.shape) { _ = try? value.array() }
  guard depth < 3 else { return }
  for key in (value.keys ?? []).prefix(Reader.manyEnough) {
    if let inner = value[key] { try visit(inner, depth: depth + 1) }
  }
  for element in (value.elements ?? []).prefix(Reader.manyEnough) {
    try visit(element, depth: depth + 1)
  }
}

private func readArchive(_ path: String) throws {
  let archive = try ZipArchive(try ReadableFile(path: path))
  for entry in archive.entries.prefix(Reader.manyEnough) where entry.size <= Reader.largeEnough {
    let bytes = try archive.read(entry)
    expect(bytes.count == entry.size, "not the announced size")
  }
}

/// Reads a graph of TensorFlow, and its constants by the names in the seeds.
private func readGraph(_ path: String) throws {
  let file = try ReadableFile(path: path)
  _ = TensorFlowGraph.isPlausible(try file.bytes(at: 0, count: min(file.size, 16)))
  let graph = try TensorFlowGraph(file)
  for name in ["c", "conv/conv2d_params", "conv/batchnorm/beta", "softmax/biases"] {
    _ = try? graph.constant(name)
    _ = (graph[name]?.integers("strides"), graph[name]?.text("padding"))
  }
  // Inputs are too small for a whole network, which is refused.
  _ = try? RecognizedWeights(path: path)
}
