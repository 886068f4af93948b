import Files
import Tensors

/// Writes safetensors files, tensors in the order given.
package enum SafetensorsWriter {
  /// Writes the tensors `names` of `state`, which must be there, as float32, and `metadata`. The file
  /// appears whole or not at all; one tensor at a time is in memory.
  ///
  /// - Throws: ``Failure`` `TensorMissing`, or why a tensor cannot be read or the file not written.
  package static func write(
    _ names: [String], of state: StateDict, metadata: [(String, String)], to path: String
  ) throws(Failure) {
    var file = try AtomicFile(path: path)
    var infos: [TensorInfo] = []
    for name in names {
      guard let shape = state.info(name)?.shape else {
        throw .refused("TensorMissing", state.path, "no tensor '\(name)'")
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

  /// The bytes of a file of `arrays`, of any type, and `metadata`.
  package static func encode(
    _ arrays: [(name: String, array: NPYArray)], metadata: [(String, String)]
  ) -> [UInt8] {
    let infos = arrays.map { TensorInfo(name: $0.name, type: $0.array.type, shape: $0.array.shape) }
    return header(infos, metadata: metadata) + arrays.flatMap(\.array.bytes)
  }

  /// The length of the header and the header, padded so that the data begin at a multiple of 8.
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

  /// A JSON string.
  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": result += "\\\(scalar)"
      case "\u{0}"..."\u{1F}":
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
