import Files

/// A file of weights: safetensors, or what `torch.save` writes. The format is recognised by content.
///
/// Opening reads and audits the structure of the whole file, but no weights.
package struct CheckpointFile: Sendable {
  /// The file formats, named as `inspect` prints them.
  package enum Format: String, Sendable {
    case safetensors
    case torchZip = "torch-zip"
    case torchLegacy = "torch-legacy"
    case torchScript = "torch-script"
  }

  /// The path as given.
  package let path: String
  /// How the file is laid out.
  package let format: Format
  /// The `__metadata__` of a safetensors file.
  package let metadata: [(String, String)]
  /// Integers under the keys of a dictionary, such as the number of training steps.
  package let integers: [String: Int]
  /// Classes that the file names and that were kept as names, such as `argparse.Namespace`.
  package let inertClasses: [String]
  /// The state dict of a file that holds one and nothing around it.
  private let flat: StateDict?
  /// State dicts under the keys of a dictionary.
  private let nested: [(key: String, state: StateDict)]
  /// What the file holds otherwise, for messages.
  private let contents: String

  /// The top-level keys that hold a state dict, such as `model` and `ema`. Empty for a flat file.
  package var stateDictKeys: [String] { nested.map(\.key) }

  /// Opens the checkpoint at `path`.
  package static func open(_ path: String) throws(Failure) -> CheckpointFile {
    let file = try ReadableFile(path: path)
    switch try Format(recognizing: file) {
    case .safetensors: return try CheckpointFile(safetensors: file)
    case .torchZip, .torchScript:
      let container = try TorchContainer(zip: file)
      return container.isScript
        ? try CheckpointFile(script: container, file)
        : try CheckpointFile(container, .torchZip, file)
    case .torchLegacy:
      return try CheckpointFile(try TorchContainer(legacy: file), .torchLegacy, file)
    }
  }

  private init(safetensors file: ReadableFile) throws(Failure) {
    let header = try SafetensorsHeader(of: file)
    path = file.path
    format = .safetensors
    metadata = header.metadata
    integers = Dictionary(
      metadata.compactMap { key, text in Int(text).map { (key, $0) } }, uniquingKeysWith: { $1 })
    inertClasses = []
    flat = try StateDict(header.tensors, storages: StorageReader(file))
    nested = []
    contents = ""
  }

  /// A TorchScript program: the tensors of its module.
  private init(
    script container: TorchContainer, _ file: ReadableFile
  ) throws(Failure) {
    path = file.path
    format = .torchScript
    metadata = []
    integers = [:]
    inertClasses = container.pickle.inertClasses
    flat = try StateDict(
      try container.pickle.moduleEntries(storages: container.storages),
      storages: StorageReader(file, isBigEndian: container.isBigEndian))
    nested = []
    contents = ""
  }

  private init(
    _ container: TorchContainer, _ format: Format, _ file: ReadableFile
  ) throws(Failure) {
    let (pickle, graph) = (container.pickle, container.pickle.graph)
    let reader = StorageReader(file, isBigEndian: container.isBigEndian)
    // One dictionary may stand under many keys; it is looked at once.
    var known: [Int: StateDict?] = [:]
    func stateDict(_ value: Int) throws(Failure) -> StateDict? {
      if let state = known[value] { return state }
      let entries = try pickle.entries(value, storages: container.storages)
      let state = try entries.map { (entries) throws(Failure) in
        try StateDict(entries, storages: reader)
      }
      known[value] = .some(state)
      return state
    }
    var root = graph.root
    while let inner = graph.value(root, "state_dict"), graph.dictionary(inner) != nil {
      root = inner
    }
    guard let items = graph.dictionary(root) else {
      throw .refused(
        "NotAStateDict", file.path, "holds \(graph.description(root)), expected a dictionary")
    }

    path = file.path
    self.format = format
    metadata = []
    integers = Dictionary(
      (graph.dictionary(graph.root) ?? []).compactMap { key, value in
        graph.text(key).flatMap { name in graph.integer(value).map { (name, $0) } }
      }, uniquingKeysWith: { $1 })
    inertClasses = pickle.inertClasses
    flat = try stateDict(root)
    var nested: [(key: String, state: StateDict)] = []
    if flat == nil {
      for (key, value) in items {
        guard let key = graph.text(key), let state = try stateDict(value) else { continue }
        nested.append((key, state))
      }
    }
    self.nested = nested
    contents = items.prefix(20).map { item in
      "\(graph.text(item.key) ?? graph.description(item.key)) (\(graph.description(item.value)))"
    }.joined(separator: ", ")
  }

  /// The state dict under `key`. Without a key: that of a flat file, otherwise `ema`. Never another
  /// one in its place.
  ///
  /// - Throws: ``Failure`` `CheckpointKeyMissing`, or `NotAStateDict` if the file holds none.
  package func stateDict(key: String?) throws(Failure) -> StateDict {
    if key == nil, let flat { return flat }
    if let state = nested.first(where: { $0.key == key ?? "ema" })?.state { return state }
    guard let example = nested.first?.key else {
      throw flat == nil
        ? .refused("NotAStateDict", path, "holds no tensors but: \(contents)")
        : .refused("CheckpointKeyMissing", path, "has one state dict; leave out --checkpoint-key")
    }
    let choices = stateDictKeys.joined(separator: ", ")
    throw .refused(
      "CheckpointKeyMissing", path,
      "no '\(key ?? "ema")' but: \(choices); choose one, as in --checkpoint-key \(example)")
  }
}

// MARK: - Recognition

extension CheckpointFile.Format {
  /// Looks at how the file begins, and explains what a file is that is no checkpoint.
  fileprivate init(recognizing file: ReadableFile) throws(Failure) {
    let head = try file.bytes(at: 0, count: min(file.size, 512))
    func starts(with text: String) -> Bool { head.starts(with: text.utf8) }
    func refused(_ code: String, _ detail: String) -> Failure { .refused(code, file.path, detail) }

    if starts(with: "PK\u{3}\u{4}") || starts(with: "PK\u{5}\u{6}") {
      self = .torchZip
    } else if head.starts(with: TorchContainer.legacyMagic) {
      self = .torchLegacy
    } else if SafetensorsHeader.isPlausible(head, fileSize: file.size) {
      self = .safetensors
    } else if head.isEmpty {
      throw refused("NotACheckpoint", "the file is empty")
    } else if starts(with: "version https://git-lfs") {
      throw refused("LFSPointer", "a Git LFS pointer, not the file itself; run git lfs pull")
    } else if starts(with: "<") {
      throw refused("NotACheckpoint", "an HTML or XML page; the download failed")
    } else if starts(with: "{") {
      throw refused("NotACheckpoint", "a JSON file; sharded checkpoints must be merged first")
    } else if head.dropFirst(257).starts(with: "ustar".utf8) {
      throw refused("LegacyTar", "a tar archive, which torch wrote before 0.1.10; save it again")
    } else if head[0] == 0x80 {
      throw refused("NotACheckpoint", "a pickle that torch.save has not written")
    } else if ZipArchive.hasEndRecord(file) {
      throw refused("UnaccountedBytes", "a zip file with something put before it")
    } else {
      throw refused("UnknownContainer", "neither safetensors nor what torch.save writes")
    }
  }
}
