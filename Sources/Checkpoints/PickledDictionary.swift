import Files

/// A pickled dictionary of arrays and of lists of integers, as the batches of CIFAR are.
///
/// The pickle is read by ``PickleMachine``, which constructs and calls nothing. An array that stands
/// in the file as it is stays there.
package struct PickledDictionary: Sendable {
  private let file: ReadableFile
  private let graph: PickleGraph

  private static let maximumSize = 512 << 20

  /// Whether a file that begins with `bytes` may be a pickle: protocols 2 to 5 say so.
  package static func hasSignature(_ bytes: [UInt8]) -> Bool {
    bytes.count >= 2 && bytes[0] == 0x80 && (2...5).contains(bytes[1])
  }

  /// Reads the pickle that fills `file`.
  ///
  /// - Throws: ``Failure`` `PickleLimit` above 512 MiB, `PickleMalformed`, `PickleForbidden`,
  ///   `PickleTrailing`, or `NotADictionary`.
  package init(_ file: ReadableFile) throws(Failure) {
    let path = file.path
    guard file.size <= Self.maximumSize else {
      throw .refused(
        "PickleLimit", path, "\(file.size) bytes, at most \(Self.maximumSize) are read")
    }
    var reader = ByteReader(
      try file.bytes(at: 0, count: file.size), subject: path, code: "PickleMalformed")
    graph = try PickleMachine.run(&reader, subject: path, maximumStringLength: Self.maximumSize)
    guard graph.dictionary(graph.root) != nil else {
      throw .refused(
        "NotADictionary", path, "\(graph.description(graph.root)), expected a dictionary")
    }
    guard reader.remaining == 0 else {
      throw .refused(
        "PickleTrailing", path, "\(reader.remaining) bytes follow the end of the pickle")
    }
    self.file = file
  }

  /// The list of integers of that name, `nil` if the value is something else or missing.
  package func integers(_ name: String) -> [Int]? {
    guard let value = value(name), case .list(let elements) = graph.values[value] else {
      return nil
    }
    let integers = elements.compactMap(graph.integer)
    return integers.count == elements.count ? integers : nil
  }

  /// The array of that name, `nil` unless it is a numpy array of uint8 in C order.
  ///
  /// - Throws: ``Failure`` `ArrayMalformed` when its bytes are not as many as its shape says.
  package func bytes(_ name: String) throws(Failure) -> NPYReader? {
    guard let value = value(name),
      case .call(let function, _, let state?) = graph.values[value],
      ["numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct"]
        .contains(graph.global(function)),
      // Version, shape, type, whether in Fortran order, elements.
      let parts = graph.tuple(state), parts.count == 5, let shape = graph.integers(parts[1]),
      let type = graph.call(parts[2]), type.function == "numpy.dtype",
      let typeName = type.arguments.first, isName(typeName, "u1"),
      case .bool(false) = graph.values[parts[3]]
    else { return nil }
    let count = elementCount(shape)
    if case .data(let range) = graph.values[parts[4]], range.count == count {
      return NPYReader(file, range: range, shape: shape)
    }
    guard let bytes = content(parts[4]), bytes.count == count else {
      throw .refused(
        "ArrayMalformed", file.path, "'\(name)' does not have the bytes of its shape \(shape)")
    }
    return NPYReader(NPYArray(bytes: bytes, shape: shape))
  }

  private func value(_ name: String) -> Int? {
    graph.dictionary(graph.root)?.first { isName($0.key, name) }?.value
  }

  /// Whether a text or a byte string is `name`. Long ones are not read.
  private func isName(_ index: Int, _ name: String) -> Bool {
    if case .data(let range) = graph.values[index], range.count != name.utf8.count { return false }
    if case .latin1(let text) = graph.values[index] { return isName(text, name) }
    return content(index)?.elementsEqual(name.utf8) ?? false
  }

  /// The bytes of a text or a byte string. Python 2 writes both alike.
  private func content(_ index: Int) -> [UInt8]? {
    switch graph.values[index] {
    case .text(let bytes): return bytes
    case .data(let range): return try? file.bytes(at: range.lowerBound, count: range.count)
    case .latin1(let text):
      guard case .text(let bytes) = graph.values[text],
        let scalars = String(validating: bytes, as: UTF8.self)?.unicodeScalars,
        scalars.allSatisfy({ $0.value < 256 })
      else { return nil }
      return scalars.map { UInt8($0.value) }
    default: return nil
    }
  }
}
