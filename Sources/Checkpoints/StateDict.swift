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
  /// The components that were taken off the beginning of all names, such as `module.`; otherwise empty.
  package let prefix: String

  /// Creates a state dict.
  ///
  /// - Throws: ``Failure`` (65) `DuplicateKey` if a name occurs twice, `ModulePrefix` if some but
  ///   not all names have the prefix `module.` that `DistributedDataParallel` adds. Values beside
  ///   the tensors of a network, such as the `n_averaged` of `AveragedModel`, need not have it.
  init(_ entries: [Entry], storages: StorageReader) throws(Failure) {
    let wrapper = "module."
    let isPrefixed = entries.map { $0.name.hasPrefix(wrapper) }
    let bare = zip(entries, isPrefixed).filter { !$0.1 && !isBeside($0.0) }.count
    let prefixed = isPrefixed.count { $0 }
    guard prefixed == 0 || bare == 0 else {
      throw .refused(
        .modulePrefix, storages.path,
        "\(prefixed) of \(entries.count) keys begin with '\(wrapper)', expected none or all")
    }
    try self.init(
      zip(entries, isPrefixed).map { entry, isPrefixed in
        isPrefixed ? (String(entry.name.dropFirst(wrapper.count)), entry.tensor) : entry
      },
      prefix: prefixed == 0 ? "" : wrapper, storages: storages)
  }

  private init(_ entries: [Entry], prefix: String, storages: StorageReader) throws(Failure) {
    self.entries = entries
    self.prefix = prefix
    self.storages = storages
    var indices: [[UInt8]: Int] = [:]
    for (index, entry) in entries.enumerated()
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

  /// Returns the name, type and shape of a tensor, or nil if there is nothing with that name.
  ///
  /// - Throws: ``Failure`` (65) `NotATensor`, `DtypeUnsupported` or another reason why what has the name
  ///   cannot be read as a tensor.
  package func checkedInfo(_ name: String) throws(Failure) -> TensorInfo? {
    guard let index = indices[Array(name.utf8)] else { return nil }
    let tensor = try entries[index].tensor.get()
    return TensorInfo(name: name, type: tensor.type, shape: tensor.shape)
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
  package static func empty(path: String) -> StateDict { StateDict(emptyAt: path) }

  private init(emptyAt path: String) {
    (entries, indices, prefix, storages) = ([], [:], "", StorageReader(path: path))
  }
}

// MARK: - Wrapped networks

extension StateDict {
  /// The names of the values beside the tensors of a network: numbers and settings at the outermost
  /// level, such as `n_averaged` or `step`.
  package var namesBeside: [String] { entries.filter(isBeside).map(\.name) }

  /// Returns the state dict of the network inside the modules that wrap it.
  ///
  /// A module that has the network as an attribute adds its name to the names of all tensors, as in
  /// `model.pos_embed`. The fewest names that all tensors have in common are taken off, after which
  /// `isNetwork` is true; ``prefix`` then contains them.
  ///
  /// - Parameter isNetwork: Returns whether a state dict has the names of the network.
  /// - Returns: This state dict if that does not lead to a network.
  package func unwrapped(where isNetwork: (StateDict) -> Bool) -> StateDict {
    var candidate = self
    for _ in 0..<8 {
      if isNetwork(candidate) { return candidate }
      guard let inner = candidate.insideFirstModule else { break }
      candidate = inner
    }
    return self
  }

  /// The state dict without the module that all names begin with, or nil if there is none.
  private var insideFirstModule: StateDict? {
    let inside = entries.filter { !isBeside($0) }
    guard let module = inside.first.flatMap({ firstComponent(of: $0.name) }) else { return nil }
    let start = Array("\(module).".utf8)
    guard inside.allSatisfy({ $0.name.utf8.starts(with: start) }) else { return nil }
    return try? StateDict(
      entries.map { entry in
        isBeside(entry) ? entry : (dropping(start.count, of: entry.name), entry.tensor)
      },
      prefix: prefix + "\(module).", storages: storages)
  }
}

/// Returns whether an entry is a number or a setting at the outermost level, which no network has.
func isBeside(_ entry: StateDict.Entry) -> Bool {
  guard firstComponent(of: entry.name) == nil else { return false }
  return switch entry.tensor {
  case .success(let tensor): tensor.shape.isEmpty
  case .failure(let failure): failure.code == .notATensor
  }
}

/// Returns what precedes the first dot of a name, or nil if there is no dot.
func firstComponent(of name: String) -> String? {
  name.utf8.firstIndex(of: UInt8(ascii: ".")).map { String(name[..<$0]) }
}

/// Returns a name without its first bytes, which end with a dot.
func dropping(_ count: Int, of name: String) -> String {
  String(decoding: name.utf8.dropFirst(count), as: UTF8.self)
}
