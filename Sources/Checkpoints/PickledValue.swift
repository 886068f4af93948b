import Files

/// A value pickled by Python, either alone or by `torch.save`, and read by ``PickleMachine``, so
/// that nothing is constructed or called. Intended for files of numbers and arrays, such as caches
/// of statistics.
package struct PickledValue: Sendable {
  private let document: Document
  private let index: Int

  /// A pickle and the bytes that it refers to.
  private struct Document: Sendable {
    let path: String
    let graph: PickleGraph
    /// The data that `torch.save` adds to the pickle, or nil for a pickle alone.
    let torch: (pickle: TorchPickle, storages: [String: Storage], reader: StorageReader)?
  }

  /// The largest size in bytes of a pickle that holds arrays: `[4096, 4096]` in float64 as protocol
  /// 2 writes it.
  package static let maximumSize = 256 << 20

  /// Returns whether a file may be a pickle of protocol 2 to 5.
  ///
  /// - Parameter bytes: The beginning of the file; two bytes are enough.
  package static func hasSignature(_ bytes: [UInt8]) -> Bool {
    bytes.count >= 2 && bytes[0] == 0x80 && (2...5).contains(bytes[1])
  }

  /// The container of a pickled value: a pickle alone, or a file that `torch.save` writes.
  package enum Container: Sendable {
    case pickle, torch

    /// Determines the container from the first bytes of a file, and for a zip file also from the
    /// names of its entries. The result is nil for any other file.
    ///
    /// - Throws: ``Failure`` `InputOutput` (74) if the file cannot be read.
    package init?(recognizing file: ReadableFile) throws(Failure) {
      let head = try file.bytes(at: 0, count: min(file.size, TorchContainer.legacyMagic.count))
      if head.starts(with: "PK\u{3}\u{4}".utf8) {
        guard let archive = try? ZipArchive(file),
          archive.entries.contains(where: { $0.name.hasSuffix("/data.pkl") })
        else { return nil }
        self = .torch
      } else if head == TorchContainer.legacyMagic {
        self = .torch
      } else if hasSignature(head) {
        self = .pickle
      } else {
        return nil
      }
    }
  }

  /// Reads the value that a file holds.
  ///
  /// - Throws: ``Failure`` (65) `NotAPickle` if it is neither a pickle nor written by `torch.save`;
  ///   `PickleMalformed`, `PickleForbidden`, `PickleLimit`, `PickleCycle`, `PickleTrailing` or
  ///   `DuplicateKey` if the pickle is refused; the codes of ``CheckpointFile/open(_:)`` for a
  ///   damaged torch file; or the failure of reading the file.
  package static func read(_ path: String) throws(Failure) -> PickledValue {
    let file = try ReadableFile(path: path)
    switch try Container(recognizing: file) {
    case .pickle:
      guard file.size <= maximumSize else {
        throw .refused(
          .pickleLimit, path, "a pickle of \(file.size) bytes, at most \(maximumSize) are read")
      }
      var reader = ByteReader(
        try file.bytes(at: 0, count: file.size), subject: path, code: .pickleMalformed)
      let graph = try PickleMachine.run(&reader, subject: path, stringLimit: maximumSize)
      guard reader.remaining == 0 else {
        throw .refused(
          .pickleTrailing, path, "\(reader.remaining) bytes follow the end of the pickle")
      }
      return PickledValue(
        document: Document(path: path, graph: graph, torch: nil), index: graph.root)
    case .torch:
      let isZip = try file.bytes(at: 0, count: 1) == [UInt8(ascii: "P")]
      let container =
        isZip
        ? try TorchContainer(zip: file, arrayLimit: maximumSize)
        : try TorchContainer(legacy: file, arrayLimit: maximumSize)
      let reader = StorageReader(file, isBigEndian: container.isBigEndian)
      let graph = container.pickle.graph
      return PickledValue(
        document: Document(
          path: path, graph: graph, torch: (container.pickle, container.storages, reader)),
        index: graph.root)
    case nil:
      throw .refused(.notAPickle, path, "neither a pickle nor what torch.save writes")
    }
  }

  private var graph: PickleGraph { document.graph }

  private func sibling(_ index: Int) -> PickledValue {
    PickledValue(document: document, index: index)
  }
}

/// Accessors by type, which return nil if the value has a different type.
extension PickledValue {
  /// A description of the value for messages.
  package var description: String {
    guard let keys else { return graph.description(index) }
    return "a dictionary of "
      + (keys.isEmpty ? "nothing" : keys.prefix(20).joined(separator: ", "))
  }

  /// The text keys of a dictionary in file order.
  package var keys: [String]? { graph.dictionary(index)?.compactMap { graph.text($0.key) } }

  /// Returns the value of a dictionary's key, which may be a text or a byte string; nil also for
  /// `None`.
  package subscript(key: String) -> PickledValue? {
    guard let value = graph.value(index, key) else { return nil }
    if case .none = graph.values[value] { return nil }
    return sibling(value)
  }

  /// The elements of a list.
  package var elements: [PickledValue]? {
    if case .list(let list) = graph.values[index] { list.map(sibling) } else { nil }
  }

  /// The value of an integer.
  package var integer: Int? { graph.integer(index) }

  /// Returns the type and shape of a numpy array or a tensor, without reading its elements.
  ///
  /// - Throws: ``Failure`` (65) `NpyUnsupported` or `NpyMalformed` for an array, `TensorInvalid` or
  ///   `DtypeUnsupported` for a tensor that is refused.
  package func layout() throws(Failure) -> (type: ScalarType, shape: [Int])? {
    if let array = try graph.numpyArray(index, subject: document.path) {
      return (array.type, array.shape)
    }
    return try tensor().map { ($0.type, $0.shape) }
  }

  /// Returns the elements of a numpy array or a tensor.
  ///
  /// - Throws: ``Failure`` as ``layout()`` does, `NpyMalformed` (65) if the number of elements does
  ///   not match the shape, or the failure of reading the file.
  package func array() throws(Failure) -> NPYArray? {
    if let array = try graph.numpyArray(index, subject: document.path) {
      return try graph.elements(of: array, subject: document.path)
    }
    guard let tensor = try tensor(), let reader = document.torch?.reader else { return nil }
    return try reader.array(of: tensor)
  }

  private func tensor() throws(Failure) -> StoredTensor? {
    guard let torch = document.torch else { return nil }
    let tensor = try torch.pickle.tensor(index, named: "tensor", storages: torch.storages)
    return try tensor?.get()
  }
}
