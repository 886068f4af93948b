import Files
import Tensors

/// The tensors of a checkpoint by name. Values are read on demand.
///
/// Names are compared byte by byte: composed and decomposed forms of `é` are different names.
package struct StateDict: Sendable {
  /// A name and the tensor stored under it, or the reason it cannot be read as a tensor.
  typealias Entry = (name: String, tensor: Result<StoredTensor, Failure>)

  private let entries: [Entry]
  private let indices: [[UInt8]: Int]
  private let storages: StorageReader

  /// Creates a state dict.
  ///
  /// - Throws: ``Failure`` (65) `DuplicateKey` if a name occurs twice, `ModulePrefix` if some but
  ///   not all names have the prefix `module.` that `DistributedDataParallel` adds.
  init(_ entries: [Entry], storages: StorageReader) throws(Failure) {
    let prefix = "module."
    let prefixed = entries.count { $0.name.hasPrefix(prefix) }
    guard prefixed == 0 || prefixed == entries.count else {
      throw .refused(
        .modulePrefix, storages.path,
        "\(prefixed) of \(entries.count) keys begin with '\(prefix)', expected none or all")
    }
    self.entries =
      prefixed == 0
      ? entries : entries.map { (String($0.name.dropFirst(prefix.count)), $0.tensor) }
    self.storages = storages
    var indices: [[UInt8]: Int] = [:]
    for (index, entry) in self.entries.enumerated()
    where indices.updateValue(index, forKey: Array(entry.name.utf8)) != nil {
      throw .refused(.duplicateKey, storages.path, "key '\(entry.name)' occurs twice")
    }
    self.indices = indices
  }

  /// The path of the file.
  package var path: String { storages.path }

  /// All names in file order, including those that do not hold a readable tensor.
  package var names: [String] { entries.map(\.name) }

  /// The names, types and shapes of the tensors, in file order.
  package var infos: [TensorInfo] { entries.compactMap { info(of: $0) } }

  /// Returns the name, type and shape of a tensor, or nil if there is no readable tensor with that
  /// name.
  package func info(_ name: String) -> TensorInfo? {
    indices[Array(name.utf8)].flatMap { info(of: entries[$0]) }
  }

  private func info(of entry: Entry) -> TensorInfo? {
    guard let tensor = try? entry.tensor.get() else { return nil }
    return TensorInfo(name: entry.name, type: tensor.type, shape: tensor.shape)
  }

  /// Returns the tensor with that name, converted to float32.
  ///
  /// - Parameters:
  ///   - name: The name of the tensor.
  ///   - shape: The expected extents, outermost first.
  /// - Returns: A tensor of shape `shape`.
  /// - Throws: ``Failure`` (65) `TensorMissing` if there is no such tensor, `ShapeMismatch` if it
  ///   has a different shape, `DtypeUnsupported` if it is not floating-point, `NonFiniteWeights` if
  ///   it contains a NaN or an infinity, `NotATensor` if the value is something else; or the
  ///   failure of reading it.
  package func tensor(_ name: String, shape: [Int]) throws(Failure) -> Tensor {
    let stored = try stored(name)
    guard stored.shape == shape else {
      throw .refused(
        .shapeMismatch, path, "'\(name)' has shape \(stored.shape), expected \(shape)")
    }
    // Quantised weights are integers, which are meaningless without their scale.
    guard stored.type.isFloatingPoint else {
      throw .refused(
        .dtypeUnsupported, path,
        "'\(name)' is \(stored.type) \(stored.shape), expected floating-point numbers")
    }
    let values = try storages.array(of: stored).floats()
    if let index = values.firstIndex(where: { !$0.isFinite }) {
      throw .refused(.nonFiniteWeights, path, "'\(name)'[\(index)] is \(values[index])")
    }
    return Tensor(shape: shape, values: values)
  }

  /// Returns the tensor with that name in its stored type, made contiguous.
  ///
  /// - Throws: ``Failure`` (65) `TensorMissing` if there is no such tensor, `NotATensor` or
  ///   `DtypeUnsupported` if the value cannot be read as a tensor; or the failure of reading it.
  package func array(_ name: String) throws(Failure) -> NPYArray {
    try storages.array(of: try stored(name))
  }

  private func stored(_ name: String) throws(Failure) -> StoredTensor {
    guard let index = indices[Array(name.utf8)] else {
      throw .refused(.tensorMissing, path, "no tensor '\(name)'")
    }
    return try entries[index].tensor.get()
  }
}

// MARK: - Under other names

/// The source of a tensor in a rearranged state dict.
package enum TensorSource: Sendable {
  /// The tensor with that name.
  case tensor(String)
  /// An array in memory with its axes permuted to that order.
  case array(NPYArray, axes: [Int])
  /// Ones of that shape, for tensors that a file leaves out.
  case ones([Int])
}

extension StateDict {
  /// Returns a state dict of tensors from given sources, in the given order. Tensors that do not
  /// exist are left out.
  ///
  /// - Parameter tensors: The sources of the tensors, under their new names.
  /// - Throws: ``Failure`` (65) `DuplicateKey` if a name occurs twice, `ModulePrefix` if some but
  ///   not all names begin with `module.`.
  package func rearranged(
    _ tensors: [(name: String, source: TensorSource)]
  ) throws(Failure) -> StateDict {
    var rearranged: [Entry] = []
    for (name, source) in tensors {
      switch source {
      case .tensor(let old):
        guard let index = indices[Array(old.utf8)] else { continue }
        rearranged.append((name, entries[index].tensor))
      case .array(let array, let axes):
        rearranged.append((name, .success(StoredTensor(array, axes: axes))))
      case .ones(let shape): rearranged.append((name, .success(StoredTensor(ones: shape))))
      }
    }
    return try StateDict(rearranged, storages: storages)
  }

  /// Returns an empty state dict, to be filled by ``rearranged(_:)`` with data read from `path`.
  package static func empty(path: String) -> StateDict {
    StateDict(entries: [], indices: [:], storages: StorageReader(path: path))
  }

  private init(entries: [Entry], indices: [[UInt8]: Int], storages: StorageReader) {
    (self.entries, self.indices, self.storages) = (entries, indices, storages)
  }
}
