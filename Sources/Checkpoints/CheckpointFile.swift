import Files

/// A file of weights in the safetensors format or as written by `torch.save`. The format is
/// determined by content.
///
/// Opening a file reads and audits its whole structure, but no weights.
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
  /// The format of the file.
  package let format: Format
  /// The `__metadata__` of a safetensors file.
  package let metadata: [(String, String)]
  /// The integers in the file's dictionary by their keys, such as the number of training steps.
  package let integers: [String: Int]
  /// The texts among the arguments of training that the file holds as `args` or `config`, by name.
  package let arguments: [String: String]
  /// The classes that the file names and that were kept as names, such as `argparse.Namespace`.
  package let inertClasses: [String]
  /// The state dicts of the file, in file order.
  package let stateDicts: [NamedStateDict]
  /// Entries named like averaged weights that are not state dicts, for messages.
  private let unreadable: [String]
  /// The other content of the file, for messages.
  private let contents: String

  /// The paths of keys that lead to the state dicts, such as `model` and `ema`. Empty for a file
  /// that is itself a state dict.
  package var stateDictKeys: [String] { isFlat ? [] : stateDicts.map(\.key) }

  /// Whether the file is itself a state dict.
  private var isFlat: Bool { stateDicts.count == 1 && stateDicts[0].path.isEmpty }

  /// Opens the checkpoint at `path` and audits its structure.
  ///
  /// - Throws: ``Failure`` (65) `NotACheckpoint`, `LFSPointer`, `LegacyTar` or `UnknownContainer`
  ///   if the file has neither format; `NotAStateDict` if it does not hold a dictionary or module;
  ///   `Safetensors…`, `Zip…`, `Pickle…`, `TensorInvalid`, `DuplicateKey`, `UnaccountedBytes` and
  ///   other codes that name the part of the format that is violated. Otherwise the failure of
  ///   reading the file.
  package static func open(_ path: String) throws(Failure) -> CheckpointFile {
    if let sharded = try ShardedCheckpoint(path: path) {
      let (entries, metadata, reader) = try sharded.open()
      return CheckpointFile(safetensors: entries, metadata: metadata, reader)
    }
    let file = try ReadableFile(path: path)
    switch try Format(recognizing: file) {
    case .safetensors:
      let header = try SafetensorsHeader(of: file)
      return CheckpointFile(
        safetensors: header.tensors, metadata: header.metadata, StorageReader(file))
    case .torchZip, .torchScript:
      let container = try TorchContainer(zip: file)
      return container.isScript
        ? try CheckpointFile(script: container, file)
        : try CheckpointFile(container, .torchZip, file)
    case .torchLegacy:
      return try CheckpointFile(try TorchContainer(legacy: file), .torchLegacy, file)
    }
  }

  private init(
    safetensors entries: [StateDict.Entry], metadata: [(String, String)], _ reader: StorageReader
  ) {
    path = reader.path
    format = .safetensors
    self.metadata = metadata
    integers = Dictionary(
      metadata.compactMap { key, text in Int(text).map { (key, $0) } }, uniquingKeysWith: { $1 })
    arguments = [:]
    inertClasses = []
    stateDicts = NamedStateDict.parts(of: entries, path: [], reader)
    unreadable = []
    contents = ""
  }

  /// Reads a TorchScript program: the tensors of its module.
  private init(
    script container: TorchContainer, _ file: ReadableFile
  ) throws(Failure) {
    path = file.path
    format = .torchScript
    metadata = []
    integers = [:]
    arguments = [:]
    inertClasses = container.pickle.inertClasses
    stateDicts = [
      NamedStateDict(
        try container.pickle.moduleEntries(storages: container.storages), path: [],
        StorageReader(file, isBigEndian: container.isBigEndian))
    ]
    unreadable = []
    contents = ""
  }

  private init(
    _ container: TorchContainer, _ format: Format, _ file: ReadableFile
  ) throws(Failure) {
    let (pickle, graph) = (container.pickle, container.pickle.graph)
    guard let items = graph.dictionary(graph.root) else {
      throw .refused(
        .notAStateDict, file.path,
        "holds \(graph.description(graph.root)), expected a dictionary of tensors; load it where its "
          + "classes are, and save the weights alone: torch.save({'ema': model.state_dict()}, "
          + "'new.pt')")
    }

    path = file.path
    self.format = format
    metadata = []
    integers = Dictionary(
      items.compactMap { key, value in
        graph.text(key).flatMap { name in graph.integer(value).map { (name, $0) } }
      }, uniquingKeysWith: { $1 })
    arguments = graph.texts(inNamespaceOf: ["args", "config"])
    inertClasses = pickle.inertClasses
    let search = try StateDictSearch(
      pickle, storages: container.storages,
      reader: StorageReader(file, isBigEndian: container.isBigEndian))
    (stateDicts, unreadable) = (search.found, search.unreadable)
    let isDistributed = inertClasses.contains { $0.hasPrefix("torch.distributed.") }
    contents =
      (isDistributed ? Self.distributedTensors : "")
      + items.prefix(20).map { item in
        "\(graph.text(item.key) ?? graph.description(item.key)) (\(graph.description(item.value)))"
      }.joined(separator: ", ")
  }

  private static let distributedTensors =
    "tensors of torch.distributed, which are parts of weights (gather them before saving: "
    + "torch.save({k: v.full_tensor() for k, v in weights.items()}, 'new.pt')); "
}

// MARK: - Choosing

extension CheckpointFile {
  /// Returns the state dict under `key`, or without a key the one that ``taken(_:option:)``
  /// chooses.
  ///
  /// - Throws: ``Failure`` (65) `CheckpointKeyMissing` if there is no such state dict or the choice
  ///   is ambiguous, `NotAStateDict` if the file holds none, or the failure with which the state
  ///   dict was refused.
  package func stateDict(key: String?) throws(Failure) -> StateDict { try taken(key).state }

  /// Returns the state dict under a path of keys.
  ///
  /// Without a key, this is the only averaged state dict of the file or, if the file holds a single
  /// state dict with nothing but `state_dict` around it, that one. Raw weights are never taken in
  /// place of averaged ones.
  ///
  /// - Parameters:
  ///   - key: The path of keys, joined by dots, or nil.
  ///   - option: The command-line option that names a key, or nil if there is none. It is used in
  ///     messages.
  ///   - isNetwork: Returns whether a state dict has the names of the wanted network, for
  ///     ``StateDict/unwrapped(where:)``.
  /// - Returns: The path of the state dict, nil for a file that is itself a state dict; and the
  ///   state dict.
  /// - Throws: ``Failure`` (65) `CheckpointKeyMissing`, listing the state dicts of the file, if
  ///   there is no such state dict or the choice is ambiguous; `NotAStateDict` if the file holds
  ///   none; or the failure with which the state dict was refused, such as `DuplicateKey` or
  ///   `ModulePrefix`.
  package func taken(
    _ key: String?, option: String? = "`checkpointKey`",
    where isNetwork: (StateDict) -> Bool = { _ in true }
  ) throws(Failure) -> (key: String?, state: StateDict) {
    guard !stateDicts.isEmpty else {
      throw .refused(
        .notAStateDict, path,
        contents.isEmpty
          ? "holds nothing, expected tensors" : "holds no tensors that are read but: \(contents)")
    }
    let taken = key.map(named) ?? chosen
    guard let taken else { throw missing(key, option) }
    return (isFlat ? nil : taken.key, try taken.state.get().unwrapped(where: isNetwork))
  }

  /// Returns the key to take from this file, given the key taken from a different file: the same
  /// key if it exists here; otherwise nil if the key named averaged weights or consists of
  /// `state_dict` only.
  package func key(like other: String?) -> String? {
    guard let other, named(other) == nil else { return other }
    let names = other.split(separator: ".").map(String.init)
    return names.contains(where: isAveragedName) || names.allSatisfy { $0 == "state_dict" }
      ? nil : other
  }

  /// Returns the state dict with exactly this path, or else the only one that has it if
  /// `state_dict` is left out of paths, or else the only averaged part of a dictionary with that path.
  private func named(_ key: String) -> NamedStateDict? {
    if let exact = stateDicts.first(where: { $0.key == key }) { return exact }
    let others = stateDicts.filter { $0.isNamed(key) }
    if others.count == 1 { return others[0] }
    let parts = stateDicts.filter { $0.isPart(of: key) && $0.isAveraged }
    return others.isEmpty && parts.count == 1 ? parts[0] : nil
  }

  private var chosen: NamedStateDict? {
    let averaged = stateDicts.filter(\.isAveraged)
    if averaged.count == 1 { return averaged[0] }
    guard averaged.isEmpty, unreadable.isEmpty, stateDicts.count == 1 else { return nil }
    return isFlat || stateDicts[0].isOnlyWrapped ? stateDicts[0] : nil
  }

  private func missing(_ key: String?, _ option: String?) -> Failure {
    func refused(_ detail: String) -> Failure { .refused(.checkpointKeyMissing, path, detail) }
    if isFlat, key != nil { return refused("has one state dict; leave out `checkpointKey`") }
    let averaged = stateDicts.filter(\.isAveraged)
    let ordered = averaged + stateDicts.filter { !$0.isAveraged }
    let choices = ordered.map { "\($0.key) (\($0.count) tensor\($0.count == 1 ? "" : "s"))" }
      .joined(separator: ", ")
    let found =
      switch (key, averaged.count) {
      case (let key?, _): "no '\(key)' but: \(choices)"
      case (nil, 0): "no averaged weights (a name with 'ema' or 'averaged') but: \(choices)"
      case (nil, let count): "\(count) averaged state dicts: \(choices)"
      }
    guard averaged.isEmpty, key == nil, !unreadable.isEmpty else {
      return refused(
        found
          + (option.map { "; choose one, as in \($0) \(ordered[0].key)" }
            ?? "; save the right one as a separate file"))
    }
    return refused(
      "\(found); \(unreadable.joined(separator: ", ")), from which no weights are read by name"
        + (option.map { "; \($0) selects others instead" } ?? ""))
  }
}

// MARK: - Recognition

extension CheckpointFile.Format {
  /// Determines the format from the beginning of a file, and explains what a file is if it is not a
  /// checkpoint.
  fileprivate init(recognizing file: ReadableFile) throws(Failure) {
    let head = try file.bytes(at: 0, count: min(file.size, 16))
    func refused(_ code: Failure.Code, _ detail: String) -> Failure {
      .refused(code, file.path, detail)
    }

    if let foreign = try ForeignContent(file) {
      throw foreign == .tar
        ? refused(
          .legacyTar,
          "a tar archive, as torch wrote it before 0.1.10; load it there and save it again")
        : foreign.failure(
          file.path, foreign.isContainer ? .unknownContainer : .notACheckpoint,
          expected: "a checkpoint")
    }
    if head.starts(with: "PK\u{3}\u{4}".utf8) || head.starts(with: "PK\u{5}\u{6}".utf8) {
      self = .torchZip
    } else if head.starts(with: TorchContainer.legacyMagic) {
      self = .torchLegacy
    } else if SafetensorsHeader.isPlausible(head, fileSize: file.size) {
      self = .safetensors
    } else if head[0] == UInt8(ascii: "{") {
      throw refused(
        .notACheckpoint, "a JSON file; expected a checkpoint, or the index of one (*.index.json)")
    } else if head[0] == 0x80 {
      throw refused(
        .notACheckpoint,
        "a pickle that torch.save did not write; load it and save it with torch.save({'ema': "
          + "weights}, 'new.pt')")
    } else if ZipArchive.hasEndRecord(file) {
      throw refused(.unaccountedBytes, "a zip file with other bytes before it")
    } else {
      throw refused(.unknownContainer, "neither safetensors nor what torch.save writes")
    }
  }
}
