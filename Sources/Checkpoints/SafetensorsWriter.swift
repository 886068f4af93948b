import Files
import Tensors

/// Writes safetensors files: float32 tensors, in the order given.
package enum SafetensorsWriter {
  /// Writes the tensors `names` of `state`, which must be there, and `metadata`. The file appears
  /// whole or not at all; one tensor at a time is in memory.
  ///
  /// - Throws: ``Failure`` `TensorMissing`, or why a tensor cannot be read or the file not written.
  package static func write(
    _ names: [String], of state: StateDict, metadata: [(String, String)], to path: String
  ) throws(Failure) {
    var file = try AtomicFile(path: path)
    let pairs = metadata.map { "\(quoted($0.0)):\(quoted($0.1))" }.joined(separator: ",")
    var fields = ["\"__metadata__\":{\(pairs)}"]
    var offset = 0
    var shapes: [[Int]] = []
    for name in names {
      guard let shape = state.info(name)?.shape, let count = elementCount(shape) else {
        throw .refused("TensorMissing", state.path, "no tensor '\(name)'")
      }
      let end = offset + 4 * count
      let extents = shape.map(String.init).joined(separator: ",")
      fields.append(
        "\(quoted(name)):{\"dtype\":\"F32\",\"shape\":[\(extents)],"
          + "\"data_offsets\":[\(offset),\(end)]}")
      offset = end
      shapes.append(shape)
    }
    var header = Array("{\(fields.joined(separator: ","))}".utf8)
    header += repeatElement(UInt8(ascii: " "), count: (8 - header.count % 8) % 8)
    try file.write(withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) })
    try file.write(header)
    for (name, shape) in zip(names, shapes) {
      try file.write(try state.tensor(name, shape: shape).values.withUnsafeBytes { Array($0) })
    }
    try file.commit()
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
