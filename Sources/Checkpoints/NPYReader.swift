import Files

/// An array that is read in parts, so that it may be larger than memory.
///
/// The elements stay in the file when they lie there in C order and in the byte order of the
/// machine, uncompressed; otherwise they are in memory.
package struct NPYReader: Sendable {
  /// How the elements are stored.
  package let type: ScalarType
  /// Extents, outermost first.
  package let shape: [Int]
  private let elements: Elements

  private enum Elements {
    case memory([UInt8])
    case file(ReadableFile, offset: Int)
  }

  /// Reads from an array in memory.
  package init(_ array: NPYArray) {
    (type, shape, elements) = (array.type, array.shape, .memory(array.bytes))
  }

  /// Opens a `.npy` file.
  package init(path: String) throws(Failure) {
    let file = try ReadableFile(path: path)
    try self.init(file, range: 0..<file.size, subject: path)
  }

  /// Opens the `.npy` file that lies in `range` of `file`.
  init(_ file: ReadableFile, range: Range<Int>, subject: String) throws(Failure) {
    let start = try file.bytes(
      at: range.lowerBound, count: min(range.count, NPYHeader.maximumSize))
    let header = try NPYHeader(start, fileSize: range.count, subject: subject)
    (type, shape) = (header.type, header.shape)
    if header.isFortranOrder || header.isBigEndian {
      let bytes = try file.bytes(at: range.lowerBound, count: range.count)
      elements = .memory(try NPYArray.parse(bytes, subject: subject).bytes)
    } else {
      elements = .file(file, offset: range.lowerBound + header.size)
    }
  }

  /// The bytes at `range` of those of all elements, little-endian, in C order.
  package func bytes(_ range: Range<Int>) throws(Failure) -> [UInt8] {
    switch elements {
    case .memory(let bytes): Array(bytes[range])
    case .file(let file, let offset):
      try file.bytes(at: offset + range.lowerBound, count: range.count)
    }
  }

  /// The elements at `range` in C order, rounded to float32 where they need it.
  package func floats(_ range: Range<Int>) throws(Failure) -> [Float] {
    let bytes = try bytes(range.lowerBound * type.size..<range.upperBound * type.size)
    return NPYArray(type: type, shape: [range.count], bytes: bytes).floats()
  }
}
