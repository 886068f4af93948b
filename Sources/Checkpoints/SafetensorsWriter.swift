import Files
import Tensors

/// Writes safetensors files, with the tensors in the given order.
package enum SafetensorsWriter {
  /// Writes tensors as float32, together with `metadata`. The file appears completely or not at
  /// all, and one tensor at a time is held in memory.
  ///
  /// - Parameters:
  ///   - names: The names of tensors of `state`, in the order of the file.
  ///   - state: The state dict that holds the tensors.
  ///   - metadata: The keys and values of `__metadata__`.
  ///   - path: The file to write.
  /// - Throws: ``Failure`` `TensorMissing` (65) if a name is missing, or as
  ///   ``StateDict/tensor(_:shape:)`` and ``AtomicFile`` do.
  package static func write(
    _ names: [String], of state: StateDict, metadata: [(String, String)], to path: String
  ) throws(Failure) {
    var file = try AtomicFile(path: path)
    var infos: [TensorInfo] = []
    for name in names {
      guard let shape = state.info(name)?.shape else {
        throw .refused(.tensorMissing, state.path, "no tensor '\(name)'")
      }
      infos.append(TensorInfo(name: name, type: .float32, shape: shape))
    }
    try file.write(header(infos, metadata: metadata))
    for info in infos {
      let tensor = try state.tensor(info.name, shape: info.shape)
      try file.write(tensor.values.withUnsafeBytes { Array($0) })
    }
    try file.commit()
  }

  /// Returns the bytes of a safetensors file.
  ///
  /// - Parameters:
  ///   - arrays: The arrays, of any type and shape, with their names, in the order of the file.
  ///   - metadata: The keys and values of `__metadata__`.
  package static func encode(
    _ arrays: [(name: String, array: NPYArray)], metadata: [(String, String)]
  ) -> [UInt8] {
    let infos = arrays.map { TensorInfo(name: $0.name, type: $0.array.type, shape: $0.array.shape) }
    return header(infos, metadata: metadata) + arrays.flatMap(\.array.bytes)
  }

  /// Writes tensors that are produced piece by piece. The file appears completely or not at all.
  ///
  /// - Parameters:
  ///   - tensors: The names, types and shapes, in the order of the file.
  ///   - metadata: The entries of `__metadata__`.
  ///   - path: The file to write.
  ///   - body: Writes the bytes of all tensors, one after the other.
  /// - Throws: As ``AtomicFile`` does, or the error thrown by `body`.
  package static func write(
    _ tensors: [TensorInfo], metadata: [(String, String)], to path: String,
    body: (inout AtomicFile) throws(Failure) -> Void
  ) throws(Failure) {
    var file = try AtomicFile(path: path)
    try file.write(header(tensors, metadata: metadata))
    try body(&file)
    try file.commit()
  }

  /// Returns the length of the header and the header, padded so that the data begin at a multiple
  /// of 8 bytes.
  private static func header(_ tensors: [TensorInfo], metadata: [(String, String)]) -> [UInt8] {
    let pairs = metadata.map { "\(quoted($0.0)):\(quoted($0.1))" }.joined(separator: ",")
    var fields = ["\"__metadata__\":{\(pairs)}"]
    var offset = 0
    for tensor in tensors {
      let end = tensor.shape.reduce(tensor.type.size, *) + offset
      let extents = tensor.shape.map(String.init).joined(separator: ",")
      fields.append(
        "\(quoted(tensor.name)):{\"dtype\":\"\(tensor.type.safetensorsName)\","
          + "\"shape\":[\(extents)],\"data_offsets\":[\(offset),\(end)]}")
      offset = end
    }
    var header = Array("{\(fields.joined(separator: ","))}".utf8)
    header += repeatElement(UInt8(ascii: " "), count: (8 - header.count % 8) % 8)
    return withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) } + header
  }

  /// Returns `text` as a JSON string.
  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": result += "\\\(scalar)"
      case "\u{0}"..."\u{1F}":
        result += "\\u" + zeroPadded(String(scalar.value, radix: 16), to: 4)
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
