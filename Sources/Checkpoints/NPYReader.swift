import Files

/// An array that is read in parts, so that it may be larger than memory.
///
/// The elements stay in the file, deflated or not, if they are stored in C order and in the byte
/// order of the machine. Otherwise they are held in memory and limited to 1 GiB.
package struct NPYReader: Sendable {
  /// The type of the elements.
  package let type: ScalarType
  /// The extents, outermost first.
  package let shape: [Int]
  private let content: Content
  /// The offset of the elements in ``content``.
  private let offset: Int

  /// The largest array that is held in memory because of its order, in bytes.
  static let maximumHeldSize = 1 << 30

  private enum Content {
    case memory([UInt8])
    case file(ReadableFile, Range<Int>)
    case inflated(InflatedContent)

    var size: Int {
      switch self {
      case .memory(let bytes): bytes.count
      case .file(_, let range): range.count
      case .inflated(let content): content.size
      }
    }

    func bytes(_ range: Range<Int>) throws(Failure) -> [UInt8] {
      switch self {
      case .memory(let bytes): Array(bytes[range])
      case .file(let file, let whole):
        try file.bytes(at: whole.lowerBound + range.lowerBound, count: range.count)
      case .inflated(let content): try content.bytes(range)
      }
    }
  }

  /// Whether any elements can be read in the same time, which is not so if they are deflated.
  package var readsAnywhere: Bool {
    if case .inflated = content { false } else { true }
  }

  /// Creates a reader of an array in memory.
  ///
  /// - Parameter array: The array to read, of any shape.
  package init(_ array: NPYArray) {
    (type, shape, content, offset) = (array.type, array.shape, .memory(array.bytes), 0)
  }

  /// Creates a reader of a part of a file as a uint8 array.
  ///
  /// - Parameters:
  ///   - file: The file that holds the elements, without a header.
  ///   - range: The positions of the elements in bytes from the beginning of the file.
  ///   - shape: The extents, outermost first. Their product must be the length of `range`.
  package init(_ file: ReadableFile, range: Range<Int>, shape: [Int]) {
    precondition(shape.reduce(1, *) == range.count, "\(shape) needs another count of bytes")
    (type, self.shape, content, offset) = (.uint8, shape, .file(file, range), 0)
  }

  /// Opens a `.npy` file.
  ///
  /// - Throws: ``Failure`` (65) `NpyMalformed` if the header is invalid or contradicts the size,
  ///   `NpyUnsupported` if the elements are not numbers, `NpyLimit` if the array is in Fortran
  ///   order or big-endian and exceeds 1 GiB; or the failure of reading the file.
  package init(path: String) throws(Failure) {
    let file = try ReadableFile(path: path)
    try self.init(.file(file, 0..<file.size), subject: path)
  }

  /// Opens the `.npy` file in `range` of `file`.
  init(_ file: ReadableFile, range: Range<Int>, subject: String) throws(Failure) {
    try self.init(.file(file, range), subject: subject)
  }

  /// Opens the `.npy` file that a part of a different file inflates to.
  init(_ content: InflatedContent, subject: String) throws(Failure) {
    try self.init(.inflated(content), subject: subject)
  }

  private init(_ content: Content, subject: String) throws(Failure) {
    let size = content.size
    let start = try content.bytes(0..<min(size, NPYHeader.maximumSize))
    let header = try NPYHeader(start, fileSize: size, subject: subject)
    (type, shape) = (header.type, header.shape)
    guard header.isFortranOrder || header.isBigEndian else {
      (self.content, offset) = (content, header.size)
      return
    }
    guard size <= Self.maximumHeldSize else {
      throw .refused(
        .npyLimit, subject,
        "\(size) bytes in Fortran order or big-endian, of which \(Self.maximumHeldSize) are read; "
          + "save the array in C order and little-endian, which may have any size")
    }
    let array = try NPYArray.parse(try content.bytes(0..<size), subject: subject)
    (self.content, offset) = (.memory(array.bytes), 0)
  }

  /// Returns a part of the bytes of all elements, little-endian and in C order.
  ///
  /// - Parameter range: The positions of the bytes, from 0 for the first byte of the first element.
  /// - Throws: ``Failure`` `Truncated` or `InputChanged` (65) if the file changed while it was read,
  ///   `InputOutput` (74) if reading fails.
  package func bytes(_ range: Range<Int>) throws(Failure) -> [UInt8] {
    try content.bytes(offset + range.lowerBound..<offset + range.upperBound)
  }

  /// Returns some of the elements in C order, rounded to float32 where necessary.
  ///
  /// - Parameter range: The indices of the elements in C order, from 0.
  /// - Throws: ``Failure`` `Truncated` or `InputChanged` (65) if the file changed while it was read,
  ///   `InputOutput` (74) if reading fails.
  package func floats(_ range: Range<Int>) throws(Failure) -> [Float] {
    let bytes = try bytes(range.lowerBound * type.size..<range.upperBound * type.size)
    return NPYArray(type: type, shape: [range.count], bytes: bytes).floats()
  }
}
