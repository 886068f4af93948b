import Foundation

/// A value for `torch.save`.
package indirect enum TorchValue: Sendable {
  case none
  case integer(Int)
  case text(String)
  case list([TorchValue])
  /// A dictionary, its keys in that order.
  case dictionary([(TorchValue, TorchValue)])
  /// A tensor in float32.
  case tensor([Float], [Int])
  /// A tensor in int64.
  case integers([Int64], [Int])
  /// The opcodes that push any other value.
  case opcodes([UInt8])

  /// A dictionary with text keys.
  package static func named(_ items: KeyValuePairs<String, TorchValue>) -> TorchValue {
    .dictionary(items.map { (.text($0.key), $0.value) })
  }
}

/// The bytes that `torch.save` wrote before version 1.6: pickles one after another, then the storages.
/// They need no zip file.
package func torchFile(_ value: TorchValue) -> [UInt8] {
  var writer = TorchWriter()
  writer.append(value)
  let magic: [UInt8] = [
    0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E,
  ]
  let version: [UInt8] = [0x80, 2, 0x4D, 0xE9, 0x03, 0x2E]
  var system = TorchWriter()
  system.bytes += "}".utf8
  system.append(text: "little_endian")
  system.bytes += [0x88] + Array("s".utf8)
  var keys = TorchWriter()
  keys.bytes += "](".utf8
  for index in writer.storages.indices { keys.append(text: "\(index)") }
  keys.bytes += "e".utf8
  var bytes = magic + version
  for pickle in [system.bytes, writer.bytes, keys.bytes] {
    bytes += [0x80, 2]
    bytes += pickle
    bytes += ".".utf8
  }
  for storage in writer.storages {
    bytes += little(Int64(storage.count))
    bytes += storage.bytes
  }
  return bytes
}

private func little(_ value: some FixedWidthInteger) -> [UInt8] {
  withUnsafeBytes(of: value.littleEndian) { Array($0) }
}

private struct TorchWriter {
  var bytes: [UInt8] = []
  private(set) var storages: [(count: Int, bytes: [UInt8])] = []

  mutating func append(text: String) {
    bytes += Array("X".utf8) + little(UInt32(text.utf8.count)) + Array(text.utf8)
  }

  private mutating func append(integer: Int) { bytes += Array("J".utf8) + little(Int32(integer)) }

  mutating func append(_ value: TorchValue) {
    switch value {
    case .none: bytes += "N".utf8
    case .integer(let integer): append(integer: integer)
    case .text(let text): append(text: text)
    case .list(let elements):
      bytes += "](".utf8
      for element in elements { append(element) }
      bytes += "e".utf8
    case .dictionary(let items):
      bytes += "}(".utf8
      for (key, value) in items {
        append(key)
        append(value)
      }
      bytes += "u".utf8
    case .tensor(let values, let shape):
      append(values.flatMap { little($0.bitPattern) }, values.count, "FloatStorage", shape)
    case .integers(let values, let shape):
      append(values.flatMap { little($0) }, values.count, "LongStorage", shape)
    case .opcodes(let opcodes): bytes += opcodes
    }
  }

  private mutating func append(_ content: [UInt8], _ count: Int, _ type: String, _ shape: [Int]) {
    bytes += "ctorch._utils\n_rebuild_tensor_v2\n((".utf8
    append(text: "storage")
    bytes += "ctorch\n\(type)\n".utf8
    append(text: "\(storages.count)")
    append(text: "cpu")
    append(integer: count)
    bytes += "tQ".utf8
    append(integer: 0)
    for extents in [shape, strides(shape)] {
      bytes += "(".utf8
      for extent in extents { append(integer: extent) }
      bytes += "t".utf8
    }
    bytes += [0x89] + Array("ccollections\nOrderedDict\n)RtR".utf8)
    storages.append((count, content))
  }

  private func strides(_ shape: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in shape.indices.dropLast().reversed() {
      strides[axis] = strides[axis + 1] * shape[axis + 1]
    }
    return strides
  }
}
