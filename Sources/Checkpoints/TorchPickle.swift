import Files

/// What `torch.save` means by the values of a pickle.
struct TorchPickle {
  /// A storage as a pickle refers to it.
  struct StorageReference: Equatable {
    /// The name that leads to the bytes.
    let key: String
    /// `nil` where only the view knows (untyped storages) or for complex numbers.
    let type: ScalarType?
    let elementSize: Int
    let count: Int

    /// The size in bytes, `nil` if it overflows.
    var size: Int? {
      let (size, overflow) = count.multipliedReportingOverflow(by: elementSize)
      return overflow ? nil : size
    }
  }

  let graph: PickleGraph
  /// Every storage that the pickle names, by key.
  let references: [String: StorageReference]
  private let subject: String

  init(_ graph: PickleGraph, subject: String) throws(Failure) {
    self.graph = graph
    self.subject = subject
    var references: [String: StorageReference] = [:]
    for case .persistent(let identifier) in graph.values {
      let reference = try Self.reference(identifier, graph, subject: subject)
      guard references[reference.key] ?? reference == reference else {
        throw .refused(
          "StorageDtypeConflict", subject, "storage '\(reference.key)' has two types or sizes")
      }
      references[reference.key] = reference
    }
    self.references = references
  }

  /// The classes that the pickle names and this reader gives no meaning to, such as
  /// `argparse.Namespace`.
  var inertClasses: [String] {
    let names = graph.values.indices.compactMap(graph.global)
    let known = ["torch._utils.", "torch.storage.", "collections.OrderedDict", "_codecs.encode"]
    return Set(names).filter { name in
      !known.contains { name.hasPrefix($0) } && Self.elementSize(ofStorage: name) == nil
        && Self.type(named: name) == nil
    }.sorted()
  }

  /// The tuple `('storage', class, key, location, count)`, in old files followed by None. The
  /// location says on which device the tensor was, and is ignored.
  private static func reference(
    _ identifier: Int, _ graph: PickleGraph, subject: String
  ) throws(Failure) -> StorageReference {
    guard let parts = graph.tuple(identifier), parts.count == 5 || parts.count == 6,
      graph.text(parts[0]) == "storage", let storageClass = graph.global(parts[1]),
      let key = graph.text(parts[2]), let location = graph.text(parts[3]),
      let count = graph.integer(parts[4])
    else {
      throw .refused("PersistentId", subject, "a persistent identifier that is no storage's")
    }
    if parts.count == 6 {
      guard case .none = graph.values[parts[5]] else {
        throw .refused("PersistentId", subject, "storage '\(key)' is a view of another")
      }
    }
    guard let elementSize = elementSize(ofStorage: storageClass) else {
      throw .refused("DtypeUnsupported", subject, "storage '\(key)' is a \(storageClass)")
    }
    guard count >= 0, isRun(key.utf8, of: "0"..."9"), isDevice(location) else {
      throw .refused(
        "TensorInvalid", subject, "storage '\(key)' of \(count) elements at '\(location)'")
    }
    return StorageReference(
      key: key, type: type(ofStorage: storageClass), elementSize: elementSize, count: count)
  }
}

// MARK: - Tensors

extension TorchPickle {
  /// The tensor that a value describes, a failure if its type is none of ours; `nil` if the value
  /// is no tensor at all.
  ///
  /// - Parameter storages: The storages of the file by key.
  /// - Throws: ``Failure`` `TensorInvalid` for a view that its storage cannot hold.
  func tensor(
    _ value: Int, named name: String, storages: [String: Storage]
  ) throws(Failure) -> Result<StoredTensor, Failure>? {
    var call = graph.call(value)
    if let parameter = call, parameterFunctions.contains(parameter.function) {
      call = parameter.arguments.first.flatMap(graph.call)
    }
    guard let (function, arguments) = call, let count = tensorFunctions[function] else {
      return nil
    }

    guard arguments.count >= count, case .persistent(let identifier) = graph.values[arguments[0]],
      let offset = graph.integer(arguments[1]), let shape = graph.integers(arguments[2]),
      let strides = graph.integers(arguments[3])
    else { throw .refused("TensorInvalid", subject, "'\(name)' is made of other values") }
    let reference = try Self.reference(identifier, graph, subject: subject)
    let typeName = count == 7 ? graph.global(arguments[6]) : nil
    guard let type = count == 7 ? typeName.flatMap(Self.type(named:)) : reference.type else {
      return .failure(
        .refused("DtypeUnsupported", subject, "'\(name)' is of type \(typeName ?? "complex")"))
    }
    guard let storage = storages[reference.key],
      let tensor = StoredTensor(
        type: type, shape: shape, strides: strides, offset: offset, storage: storage)
    else {
      throw .refused(
        "TensorInvalid", subject,
        "'\(name)', shape \(shape), strides \(strides), offset \(offset), does not lie within its "
          + "storage of \(reference.count) elements")
    }
    return .success(tensor)
  }

  /// Whether a value describes a tensor or a parameter.
  func isTensor(_ value: Int) -> Bool {
    guard let (function, _) = graph.call(value) else { return false }
    return tensorFunctions[function] != nil || parameterFunctions.contains(function)
  }

  /// The entries of a dictionary, `nil` unless at least one of them is a tensor.
  func entries(
    _ dictionary: Int, storages: [String: Storage]
  ) throws(Failure) -> [StateDict.Entry]? {
    let items = graph.dictionary(dictionary) ?? []
    let tensors = try items.map { (item) throws(Failure) in
      try tensor(
        item.value, named: graph.text(item.key) ?? graph.description(item.key), storages: storages)
    }
    guard tensors.contains(where: { $0 != nil }) else { return nil }
    return try zip(items, tensors).map { (item, tensor) throws(Failure) in
      guard let name = graph.text(item.key) else {
        throw .refused(
          "NotAStateDict", subject, "a key is \(graph.description(item.key)), expected a string")
      }
      let other = Failure.refused(
        "NotATensor", subject, "'\(name)' is \(graph.description(item.value)), expected a tensor")
      return (name, tensor ?? .failure(other))
    }
  }
}

// MARK: - TorchScript

extension TorchPickle {
  private static let maximumDepth = 32
  private static let maximumAttributeCount = 100_000

  /// The tensors of a TorchScript module, which is an object whose attributes are tensors, modules
  /// and settings. The name is the path of attributes, as in the module's `state_dict`.
  ///
  /// The program in the file is not looked at: what a network computes, its reader knows.
  ///
  /// - Throws: ``Failure`` `NotAStateDict` when the root is no module, `PickleLimit` for modules
  ///   nested or shared beyond reason.
  func moduleEntries(storages: [String: Storage]) throws(Failure) -> [StateDict.Entry] {
    guard graph.attributes(graph.root) != nil else {
      throw .refused(
        "NotAStateDict", subject, "holds \(graph.description(graph.root)), expected a module")
    }
    var entries: [StateDict.Entry] = []
    var visited = 0
    // Modules to visit, the next one last.
    var pending = [(value: graph.root, prefix: "", depth: 0)]
    while let (value, prefix, depth) = pending.popLast() {
      var modules: [(value: Int, prefix: String, depth: Int)] = []
      for item in graph.attributes(value) ?? [] {
        visited += 1
        guard let attribute = graph.text(item.key), visited <= Self.maximumAttributeCount,
          depth <= Self.maximumDepth
        else { throw .refused("PickleLimit", subject, "modules beyond reason, at '\(prefix)'") }
        let name = prefix + attribute
        if let tensor = try tensor(item.value, named: name, storages: storages) {
          entries.append((name, tensor))
        } else if graph.attributes(item.value) != nil {
          modules.append((item.value, name + ".", depth + 1))
        }
      }
      pending += modules.reversed()
    }
    return entries
  }
}

/// Whether `text` is not empty and of characters in `range` alone.
private func isRun(_ text: some Collection<UInt8>, of range: ClosedRange<UnicodeScalar>) -> Bool {
  !text.isEmpty && text.allSatisfy { range.contains(UnicodeScalar($0)) }
}

/// Whether `text` reads `cpu`, `cuda:0` or the like.
private func isDevice(_ text: String) -> Bool {
  let parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
  return parts.count <= 2 && isRun(parts[0], of: "a"..."z")
    && parts.dropFirst().allSatisfy { isRun($0, of: "0"..."9") }
}

/// Functions that make a parameter of the tensor that is their first argument.
private let parameterFunctions: Set<String> = [
  "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state",
]

/// Functions that make a tensor of storage, offset, shape and strides, and how many arguments they
/// need. The last one of `_v3` is the type.
private let tensorFunctions = [
  "torch._utils._rebuild_tensor": 4, "torch._utils._rebuild_tensor_v2": 6,
  "torch._utils._rebuild_tensor_v3": 7,
]

// MARK: - Types

extension TorchPickle {
  private static func type(ofStorage name: String) -> ScalarType? {
    switch name {
    case "torch.DoubleStorage": .float64
    case "torch.FloatStorage": .float32
    case "torch.HalfStorage": .float16
    case "torch.BFloat16Storage": .bfloat16
    case "torch.LongStorage": .int64
    case "torch.IntStorage": .int32
    case "torch.ShortStorage": .int16
    case "torch.CharStorage": .int8
    case "torch.ByteStorage": .uint8
    case "torch.BoolStorage": .bool
    default: nil
    }
  }

  private static func elementSize(ofStorage name: String) -> Int? {
    switch name {
    case "torch.ComplexFloatStorage": 8
    case "torch.ComplexDoubleStorage": 16
    case "torch.storage.UntypedStorage": 1
    default: type(ofStorage: name)?.size
    }
  }

  /// The type of a torch dtype such as `torch.float16`.
  private static func type(named name: String) -> ScalarType? {
    name.hasPrefix("torch.") ? ScalarType(rawValue: String(name.dropFirst(6))) : nil
  }
}
