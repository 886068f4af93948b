import Files
import Foundation
internal import SwiftProtobuf

/// A frozen TensorFlow graph, a `GraphDef`: operations that name their inputs, and constants.
///
/// Nodes are decoded one at a time, to bound the memory that a file of very many tiny nodes can
/// request.
package struct TensorFlowGraph: Sendable {
  /// The path of the file.
  package let path: String
  private let nodes: [String: Node]

  static let maximumFileSize = 256 << 20
  static let maximumNodeSize = 32 << 20
  static let maximumNodeCount = 20_000
  /// The largest number of elements of a constant, all of which a single number may represent.
  static let maximumElementCount = 1 << 23

  /// An operation.
  package struct Node: Sendable {
    /// The type of the operation, such as `Conv2D`.
    package let operation: String
    /// The nodes whose results are used, without those that are only waited for.
    package let inputs: [String]
    fileprivate let attributes: [String: Tensorflow_AttrValue]
  }

  /// Returns whether a file claims to be a graph, that is, begins with a node that begins with its
  /// name.
  ///
  /// - Parameter head: The first bytes of the file; six are enough.
  package static func isPlausible(_ head: [UInt8]) -> Bool {
    guard head.first == 0x0A else { return false }
    let rest = head.dropFirst().drop { $0 >= 0x80 }.dropFirst()
    return rest.first == 0x0A && head.count - rest.count <= 5
  }

  /// Reads the graph in `file`.
  ///
  /// - Throws: ``Failure`` (65) `GraphMalformed` if the file is not a valid graph, `GraphLimit` if
  ///   it exceeds 256 MiB, 20,000 nodes or 32 MiB for a node; or the failure of reading the file.
  package init(_ file: ReadableFile) throws(Failure) {
    guard file.size <= Self.maximumFileSize else {
      throw .refused(.graphLimit, file.path, "a graph of \(file.size) bytes")
    }
    var nodes: [String: Node] = [:]
    var offset = 0
    while offset < file.size {
      var reader = ByteReader(
        try file.bytes(at: offset, count: min(16, file.size - offset)), subject: file.path,
        code: .graphMalformed)
      let tag = try reader.varint()
      guard tag & 7 == 2 else { throw reader.failure("field \(tag >> 3) of the graph") }
      let length = try reader.varint()
      let start = offset + reader.position
      guard length <= file.size - start else {
        throw reader.failure("a node of \(length) bytes, at byte \(offset) of the file,")
      }
      offset = start + Int(length)
      guard tag >> 3 == 1 else { continue }  // versions, library
      guard length <= Self.maximumNodeSize, nodes.count < Self.maximumNodeCount else {
        throw reader.failure(
          "\(nodes.count + 1) nodes, the last of \(length) bytes,", code: .graphLimit)
      }
      let node = try Self.node(try file.bytes(at: start, count: Int(length)), path: file.path)
      guard nodes.updateValue(Node(node), forKey: node.name) == nil else {
        throw .refused(.graphMalformed, file.path, "two nodes are named '\(node.name)'")
      }
    }
    self.path = file.path
    self.nodes = nodes
  }

  private static func node(
    _ bytes: [UInt8], path: String
  ) throws(Failure) -> Tensorflow_NodeDef {
    var options = BinaryDecodingOptions()
    options.messageDepthLimit = 10
    options.discardUnknownFields = true
    do {
      return try Tensorflow_NodeDef(serializedBytes: bytes, options: options)
    } catch {
      throw .refused(.graphMalformed, path, "a node that is not a NodeDef: \(error)")
    }
  }

  /// Returns the node with that name.
  package subscript(name: String) -> Node? { nodes[name] }

  /// Returns the value of a float32 or int32 constant.
  ///
  /// - Throws: ``Failure`` (65) `GraphMismatch` if there is no such constant, `DtypeUnsupported` if
  ///   it has a different type, `TensorInvalid` if its shape and values do not agree.
  package func constant(_ name: String) throws(Failure) -> NPYArray {
    guard let node = nodes[name], node.operation == "Const",
      case .tensor(let tensor)? = node.attributes["value"]?.value
    else { throw .refused(.graphMismatch, path, "no constant '\(name)'") }
    func invalid(_ detail: String) -> Failure {
      .refused(.tensorInvalid, path, "constant '\(name)': \(detail)")
    }
    let shape = tensor.tensorShape.dim.map { Int($0.size) }
    guard !tensor.tensorShape.unknownRank, let count = elementCount(shape),
      count <= Self.maximumElementCount
    else { throw invalid("shape \(shape.prefix(16))") }
    let (type, values): (ScalarType, [UInt8])
    switch tensor.dtype {
    case .dtFloat:
      (type, values) = (.float32, tensor.floatVal.withUnsafeBytes { Array($0) })
    case .dtInt32:
      (type, values) = (.int32, tensor.intVal.withUnsafeBytes { Array($0) })
    default:
      throw .refused(
        .dtypeUnsupported, path, "constant '\(name)' of type \(tensor.dtype.rawValue)")
    }
    let size = count * type.size
    var bytes = tensor.tensorContent.isEmpty ? values : Array(tensor.tensorContent)
    guard tensor.tensorContent.isEmpty || values.isEmpty else {
      throw invalid("has its values twice")
    }
    guard bytes.count == size || tensor.tensorContent.isEmpty && bytes.count < size else {
      throw invalid("\(bytes.count) bytes of values, shape \(shape) needs \(size)")
    }
    // The last value is repeated for those that are missing; without any value, the constant is
    // zero.
    let last = bytes.isEmpty ? [UInt8](repeating: 0, count: type.size) : bytes.suffix(type.size)
    bytes.reserveCapacity(size)
    while bytes.count < size { bytes += last }
    return NPYArray(type: type, shape: shape, bytes: bytes)
  }
}

// MARK: - Attributes

extension TensorFlowGraph.Node {
  fileprivate init(_ node: Tensorflow_NodeDef) {
    operation = node.op
    inputs = node.input.filter { !$0.hasPrefix("^") }.map {
      $0.hasSuffix(":0") ? String($0.dropLast(2)) : $0
    }
    attributes = node.attr
  }

  /// Returns the value of a numeric attribute.
  package func float(_ name: String) -> Float? {
    if case .f(let value)? = attributes[name]?.value { value } else { nil }
  }

  /// Returns the value of a Boolean attribute.
  package func bool(_ name: String) -> Bool? {
    if case .b(let value)? = attributes[name]?.value { value } else { nil }
  }

  /// Returns the value of a text attribute, such as `VALID`.
  package func text(_ name: String) -> String? {
    guard case .s(let value)? = attributes[name]?.value, value.count <= 64 else { return nil }
    return String(validating: value, as: UTF8.self)
  }

  /// Returns the value of an attribute that is a list of integers.
  package func integers(_ name: String) -> [Int]? {
    guard case .list(let list)? = attributes[name]?.value, list.i.count <= 64 else { return nil }
    return list.i.map { Int($0) }
  }
}

extension ByteReader {
  /// Reads the variable-length integer that precedes every field.
  fileprivate mutating func varint() throws(Failure) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: 0, to: 63, by: 7) {
      let byte = try integer(UInt8.self)
      value |= UInt64(byte & 0x7F) << UInt64(shift)
      if byte < 0x80 { return value }
    }
    throw failure("a number of more than 63 bits")
  }
}
