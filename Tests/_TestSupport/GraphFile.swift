import Foundation

/// A TensorFlow graph as a list of encoded nodes, so that tests can change one written by TensorFlow.
package struct GraphFile {
  /// The bytes of each `NodeDef`, with its name.
  package var nodes: [(name: String, bytes: [UInt8])] = []

  /// Takes the graph at `path` apart.
  package init(path: String) throws {
    let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    var position = 0
    func varint(_ position: inout Int) -> Int {
      var (value, shift) = (0, 0)
      repeat {
        value |= Int(bytes[position] & 0x7F) << shift
        (shift, position) = (shift + 7, position + 1)
      } while bytes[position - 1] >= 0x80
      return value
    }
    while position < bytes.count {
      let tag = bytes[position]
      position += 1
      let length = varint(&position)
      let node = Array(bytes[position..<position + length])
      position += length
      guard tag == 0x0A else { continue }
      // Field 1 comes first, the name, of fewer than 128 bytes.
      nodes.append((String(decoding: node[2..<2 + Int(node[1])], as: UTF8.self), node))
    }
  }

  /// The file.
  package var bytes: [UInt8] { nodes.flatMap { field(1, $0.bytes) } }

  /// Writes the file a node at a time.
  package func write(to path: String) throws {
    var data = Data()
    for node in nodes { data.append(contentsOf: field(1, node.bytes)) }
    try data.write(to: URL(fileURLWithPath: path))
  }

  /// Replaces every `old` in a node.
  package mutating func replace(_ old: [UInt8], with new: [UInt8], in name: String) -> Bool {
    guard let index = nodes.firstIndex(where: { $0.name == name }),
      let range = nodes[index].bytes.firstRange(of: old)
    else { return false }
    nodes[index].bytes.replaceSubrange(range, with: new)
    return true
  }

  /// Makes a constant of float32, its values written as `tensor_content`.
  package mutating func setConstant(
    _ name: String, shape: [Int], content: [UInt8], type: UInt8 = 1
  ) {
    let dimensions = shape.flatMap { field(2, varint(1 << 3) + varint($0)) }
    let tensor = [0x08, type] + field(2, dimensions) + field(4, content)
    let value = field(1, Array("value".utf8)) + field(2, field(8, tensor))
    let node = field(1, Array(name.utf8)) + field(2, Array("Const".utf8)) + field(5, value)
    if let index = nodes.firstIndex(where: { $0.name == name }) {
      nodes[index].bytes = node
    } else {
      nodes.append((name, node))
    }
  }
}

/// A field of variable length.
private func field(_ number: Int, _ bytes: [UInt8]) -> [UInt8] {
  varint(number << 3 | 2) + varint(bytes.count) + bytes
}

private func varint(_ value: Int) -> [UInt8] {
  var (rest, bytes) = (UInt64(bitPattern: Int64(value)), [] as [UInt8])
  while rest >= 0x80 {
    bytes.append(UInt8(rest & 0x7F) | 0x80)
    rest >>= 7
  }
  return bytes + [UInt8(rest)]
}
