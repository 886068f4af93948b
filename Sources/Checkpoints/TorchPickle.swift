import Files

/// The interpretation of a pickle written by `torch.save`.
struct TorchPickle {
  /// A reference to a storage in a pickle.
  struct StorageReference: Equatable {
    /// The name that leads to the bytes.
    let key: String
    /// The element type, or nil for untyped storages, whose views have types, and for complex
    /// numbers.
    let type: ScalarType?
    let elementSize: Int
    let count: Int

    /// The size in bytes, or nil if it overflows.
    var size: Int? {
      let (size, overflow) = count.multipliedReportingOverflow(by: elementSize)
      return overflow ? nil : size
    }
  }

  let graph: PickleGraph
  /// The storages that the pickle names, by key.
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
          .storageDtypeConflict, subject, "storage '\(reference.key)' has two types or sizes")
      }
      references[reference.key] = reference
    }
    self.references = references
  }

  /// The classes that the pickle names and that have no meaning to this reader, such as
  /// `argparse.Namespace`.
  var inertClasses: [String] {
    let names = graph.values.indices.compactMap(graph.global)
    let known = ["torch._utils.", "torch.storage.", "collections.OrderedDict", "_codecs.encode"]
    return Set(names).filter { name in
      !known.contains { name.hasPrefix($0) } && Self.elementSize(ofStorage: name) == nil
        && Self.type(named: name) == nil
    }.sorted()
  }

  /// Reads the tuple `('storage', class, key, location, count)`, followed by None in old files. The
  /// location is the tensor's device and is ignored.
  private static func reference(
    _ identifier: Int, _ graph: PickleGraph, subject: String
  ) throws(Failure) -> StorageReference {
    guard let parts = graph.tuple(identifier), parts.count == 5 || parts.count == 6,
      graph.text(parts[0]) == "storage", let storageClass = graph.global(parts[1]),
      let key = graph.text(parts[2]), let location = graph.text(parts[3]),
      let count = graph.integer(parts[4])
    else {
      throw .refused(.persistentId, subject, "a persistent identifier that is not of a storage")
    }
    if parts.count == 6 {
      guard case .none = graph.values[parts[5]] else {
        throw .refused(.persistentId, subject, "storage '\(key)' is a view of another storage")
      }
    }
    guard let elementSize = elementSize(ofStorage: storageClass) else {
      throw .refused(.dtypeUnsupported, subject, "storage '\(key)' is a \(storageClass)")
    }
    guard count >= 0, isRun(key.utf8, of: "0"..."9"), isDevice(location) else {
      throw .refused(
        .tensorInvalid, subject, "storage '\(key)' of \(count) elements at '\(location)'")
    }
    return StorageReference(
      key: key, type: type(ofStorage: storageClass), elementSize: elementSize, count: count)
  }
}

// MARK: - Tensors

extension TorchPickle {
  /// Returns the tensor that a value describes, or nil if the value is not a tensor.
  ///
  /// - Parameters:
  ///   - value: The index of the value.
  ///   - name: The name of the tensor, for messages.
  ///   - storages: The storages of the file, by key.
  /// - Returns: The tensor, or a failure `DtypeUnsupported` if its type is not supported.
  /// - Throws: ``Failure`` (65) `TensorInvalid` if the view does not lie within its storage or is
  ///   described by other values.
  func tensor(
    _ value: Int, named name: String, storages: [String: Storage]
  ) throws(Failure) -> Result<StoredTensor, Failure>? {
    var call = graph.call(value)
    if let parameter = call, parameterFunctions.contains(parameter.function) {
      call = parameter.arguments.first.flatMap(graph.call)
    }
    guard let (function, arguments) = call, let counts = tensorFunctions[function] else {
      return try array(value, named: name).map(Result.success)
    }
    let isTyped = counts.lowerBound == 7

    guard counts.contains(arguments.count),
      case .persistent(let identifier) = graph.values[arguments[0]],
      let offset = graph.integer(arguments[1]), let shape = graph.integers(arguments[2]),
      let strides = graph.integers(arguments[3])
    else { throw .refused(.tensorInvalid, subject, "'\(name)' is built from unexpected values") }
    let reference = try Self.reference(identifier, graph, subject: subject)
    let typeName = isTyped ? graph.global(arguments[6]) : nil
    guard let type = isTyped ? typeName.flatMap(Self.type(named:)) : reference.type else {
      return .failure(
        .refused(.dtypeUnsupported, subject, "'\(name)' is of type \(typeName ?? "complex")"))
    }
    if arguments.count == counts.upperBound, counts.count > 1,
      !isEmpty(arguments[counts.upperBound - 1])
    {
      return .failure(
        .refused(
          .dtypeUnsupported, subject,
          "'\(name)' is a view that negates or conjugates what is stored; save the tensor that "
            + "torch.resolve_neg and torch.resolve_conj return"))
    }
    guard let storage = storages[reference.key],
      let tensor = StoredTensor(
        type: type, shape: shape, strides: strides, offset: offset, storage: storage)
    else {
      throw .refused(
        .tensorInvalid, subject,
        "'\(name)', shape \(shape), strides \(strides), offset \(offset), does not lie within its "
          + "storage of \(reference.count) elements")
    }
    return .success(tensor)
  }

  /// Returns whether the last argument of `_rebuild_tensor_v2` and `_v3` says nothing about a tensor. It is a
  /// dictionary of bits, of which `neg` and `conj` change the elements (torch/_utils.py, `set_tensor_metadata`).
  private func isEmpty(_ metadata: Int) -> Bool {
    if case .none = graph.values[metadata] { return true }
    guard let bits = graph.dictionary(metadata) else { return false }
    return bits.allSatisfy { graph.bool($0.value) == false }
  }

  /// Returns the numpy array that a value describes as a tensor in memory, or nil if the value is not an
  /// array of numbers.
  private func array(_ value: Int, named name: String) throws(Failure) -> StoredTensor? {
    let subject = "\(subject): '\(name)'"
    guard let array = try? graph.numpyArray(value, subject: subject) else { return nil }
    let elements = try graph.elements(of: array, subject: subject)
    return StoredTensor(elements, axes: Array(elements.shape.indices))
  }

  /// Returns whether a value describes a tensor, a parameter or a numpy array.
  func isTensor(_ value: Int) -> Bool {
    guard let (function, _) = graph.call(value) else { return false }
    return tensorFunctions[function] != nil || parameterFunctions.contains(function)
      || PickleGraph.arrayFunctions.contains(function)
  }

  /// Returns the entries of a dictionary, or nil unless at least one of them is a tensor.
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
          .notAStateDict, subject, "a key is \(graph.description(item.key)), expected a string")
      }
      let other = Failure.refused(
        .notATensor, subject, "'\(name)' is \(graph.description(item.value)), expected a tensor")
      return (name, tensor ?? .failure(other))
    }
  }
}

// MARK: - TorchScript

extension TorchPickle {
  private static let maximumDepth = 32
  private static let maximumAttributeCount = 100_000

  /// Returns the tensors of a TorchScript module, which is an object whose attributes are tensors,
  /// modules and settings. A tensor's name is its path of attributes, as in the module's
  /// `state_dict`.
  ///
  /// The program in the file is not examined: the code that reads the tensors defines the
  /// computation.
  ///
  /// - Throws: ``Failure`` (65) `NotAStateDict` if the root is not a module, `PickleLimit` if
  ///   modules are nested or shared too often.
  func moduleEntries(storages: [String: Storage]) throws(Failure) -> [StateDict.Entry] {
    guard graph.attributes(graph.root) != nil else {
      throw .refused(
        .notAStateDict, subject, "holds \(graph.description(graph.root)), expected a module")
    }
    var entries: [StateDict.Entry] = []
    var visited = 0
    // The modules to visit, the next one last.
    var pending = [(value: graph.root, prefix: "", depth: 0)]
    while let (value, prefix, depth) = pending.popLast() {
      var modules: [(value: Int, prefix: String, depth: Int)] = []
      for item in graph.attributes(value) ?? [] {
        visited += 1
        guard let attribute = graph.text(item.key), visited <= Self.maximumAttributeCount,
          depth <= Self.maximumDepth
        else {
          throw .refused(
            .pickleLimit, subject, "too many or too deeply nested modules, at '\(prefix)'")
        }
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

/// Returns whether `text` is not empty and consists of characters in `range`.
private func isRun(_ text: some Collection<UInt8>, of range: ClosedRange<UnicodeScalar>) -> Bool {
  !text.isEmpty && text.allSatisfy { range.contains(UnicodeScalar($0)) }
}

/// Returns whether `text` is a device such as `cpu` or `cuda:0`.
private func isDevice(_ text: String) -> Bool {
  let parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
  return parts.count <= 2 && isRun(parts[0], of: "a"..."z")
    && parts.dropFirst().allSatisfy { isRun($0, of: "0"..."9") }
}

/// Functions that make a parameter from the tensor that is their first argument.
private let parameterFunctions: Set<String> = [
  "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state",
]

/// Functions that make a tensor from storage, offset, shape and strides, and the numbers of
/// arguments they take. The seventh argument of `_v3` is the type. If all are there, the last one is the metadata.
private let tensorFunctions = [
  "torch._utils._rebuild_tensor": 4...4, "torch._utils._rebuild_tensor_v2": 6...7,
  "torch._utils._rebuild_tensor_v3": 7...8,
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

  /// Returns the type of a torch dtype such as `torch.float16`.
  private static func type(named name: String) -> ScalarType? {
    name.hasPrefix("torch.") ? ScalarType(rawValue: String(name.dropFirst(6))) : nil
  }
}
