import Files
import Tensors

/// The tensors of a checkpoint by name. Values are read on demand.
///
/// Names are compared byte by byte: `é` written as one character and as two are two names.
package struct StateDict: Sendable {
  /// A name and what the file holds under it; a failure if that cannot be read as a tensor.
  typealias Entry = (name: String, tensor: Result<StoredTensor, Failure>)

  private let entries: [Entry]
  private let indices: [[UInt8]: Int]
  private let storages: StorageReader

  /// - Throws: ``Failure`` `DuplicateKey`, or `ModulePrefix` when some but not all names begin with
  ///   the `module.` that `DistributedDataParallel` puts before them.
  init(_ entries: [Entry], storages: StorageReader) throws(Failure) {
    let prefix = "module."
    let prefixed = entries.count { $0.name.hasPrefix(prefix) }
    guard prefixed == 0 || prefixed == entries.count else {
      throw .refused(
        "ModulePrefix", storages.path,
        "\(prefixed) of \(entries.count) keys begin with '\(prefix)', expected none or all")
    }
    self.entries =
      prefixed == 0
      ? entries : entries.map { (String($0.name.dropFirst(prefix.count)), $0.tensor) }
    self.storages = storages
    var indices: [[UInt8]: Int] = [:]
    for (index, entry) in self.entries.enumerated()
    where indices.updateValue(index, forKey: Array(entry.name.utf8)) != nil {
      throw .refused("DuplicateKey", storages.path, "key '\(entry.name)' occurs twice")
    }
    self.indices = indices
  }

  /// The path of the file.
  package var path: String { storages.path }

  /// All names in file order, also those that hold no readable tensor.
  package var names: [String] { entries.map(\.name) }

  /// Names, types and shapes in file order.
  package var infos: [TensorInfo] { entries.compactMap { info(of: $0) } }

  /// What the file says of one tensor, `nil` if it has none of that name.
  package func info(_ name: String) -> TensorInfo? {
    indices[Array(name.utf8)].flatMap { info(of: entries[$0]) }
  }

  private func info(of entry: Entry) -> TensorInfo? {
    guard let tensor = try? entry.tensor.get() else { return nil }
    return TensorInfo(name: entry.name, type: tensor.type, shape: tensor.shape)
  }

  /// The tensor of that name, converted to float32.
  ///
  /// - Throws: ``Failure`` `TensorMissing`, `ShapeMismatch`, `DtypeUnsupported`, `NonFiniteWeights`, or
  ///   why it cannot be read.
  package func tensor(_ name: String, shape: [Int]) throws(Failure) -> Tensor {
    let stored = try stored(name)
    guard stored.shape == shape else {
      throw .refused(
        "ShapeMismatch", path, "'\(name)' has shape \(stored.shape), expected \(shape)")
    }
    // Quantised weights are integers that mean nothing without their scale.
    guard stored.type.isFloatingPoint else {
      throw .refused(
        "DtypeUnsupported", path,
        "'\(name)' is \(stored.type) \(stored.shape), expected floating-point numbers")
    }
    let values = try storages.array(of: stored).floats()
    if let index = values.firstIndex(where: { !$0.isFinite }) {
      throw .refused("NonFiniteWeights", path, "'\(name)'[\(index)] is \(values[index])")
    }
    return Tensor(shape: shape, values: values)
  }

  /// The tensor of that name as it is stored, made contiguous.
  package func array(_ name: String) throws(Failure) -> NPYArray {
    try storages.array(of: try stored(name))
  }

  private func stored(_ name: String) throws(Failure) -> StoredTensor {
    guard let index = indices[Array(name.utf8)] else {
      throw .refused("TensorMissing", path, "no tensor '\(name)'")
    }
    return try entries[index].tensor.get()
  }
}

// MARK: - Under other names

/// Where a tensor of a rearranged state dict comes from.
package enum TensorSource: Sendable {
  /// The tensor of that name.
  case tensor(String)
  /// An array in memory, its axes in that order.
  case array(NPYArray, axes: [Int])
  /// Ones, for what a file leaves out.
  case ones([Int])
}

extension StateDict {
  /// Tensors of this state dict and others, under names of the caller, in that order. Sources that
  /// are not there are left out.
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

  /// A state dict of nothing, to be filled by ``rearranged(_:)`` with what was read from `path`.
  package static func empty(path: String) -> StateDict {
    StateDict(entries: [], indices: [:], storages: StorageReader(path: path))
  }

  private init(entries: [Entry], indices: [[UInt8]: Int], storages: StorageReader) {
    (self.entries, self.indices, self.storages) = (entries, indices, storages)
  }
}
