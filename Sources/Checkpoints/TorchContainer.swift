import Files

/// A pickle and the storages it refers to, in one of the two layouts that `torch.save` has used.
struct TorchContainer {
  let pickle: TorchPickle
  let isBigEndian: Bool
  /// Whether the file is a TorchScript program, whose pickle is an object instead of a dictionary.
  let isScript: Bool
  /// The storages that the pickle names, by key.
  let storages: [String: Storage]

  /// The largest size in bytes of a pickle whose arrays are stored outside of it.
  static let maximumPickleSize = 32 << 20
}

// MARK: - Zip, torch 1.6 and later

extension TorchContainer {
  /// Reads `<root>/data.pkl` and finds the storages `<root>/data/<key>`.
  ///
  /// - Parameters:
  ///   - file: The file.
  ///   - arrayLimit: The largest size in bytes of a pickle that holds arrays itself. If nil, long
  ///     strings are refused.
  init(zip file: ReadableFile, arrayLimit: Int? = nil) throws(Failure) {
    let archive = try ZipArchive(file)
    let root = try Self.root(of: archive, path: file.path)
    guard let data = archive["\(root)/data.pkl"] else {
      throw .refused(.notACheckpoint, file.path, "a zip file without data.pkl")
    }
    isScript =
      archive["\(root)/constants.pkl"] != nil
      || archive.entries.contains { $0.name.hasPrefix("\(root)/code/") }
    func text(_ name: String) throws(Failure) -> String? {
      guard let entry = archive["\(root)/\(name)"] else { return nil }
      return String(decoding: try archive.read(entry).prefix(32), as: UTF8.self)
    }
    guard let version = try text("version"),
      let number = Int(version.filter { !$0.isNewline }), (1...10).contains(number)
    else { throw .refused(.versionUnsupported, file.path, "not a version that torch.save writes") }
    let order = try text("byteorder") ?? "little"
    guard ["little", "big"].contains(order) else {
      throw .refused(.tensorInvalid, file.path, "byte order '\(order)', expected little or big")
    }
    isBigEndian = order == "big"

    guard data.size <= arrayLimit ?? Self.maximumPickleSize else {
      throw .refused(.pickleLimit, file.path, "a pickle of \(data.size) bytes")
    }
    let subject = "\(file.path): \(data.name)"
    var reader = ByteReader(try archive.read(data), subject: subject, code: .pickleMalformed)
    pickle = try TorchPickle(
      try PickleMachine.run(
        &reader, subject: subject, stringLimit: arrayLimit ?? PickleMachine.maximumStringLength),
      subject: subject)
    guard reader.remaining == 0 else {
      throw .refused(
        .pickleTrailing, subject, "\(reader.remaining) bytes follow the end of the pickle")
    }

    var storages: [String: Storage] = [:]
    for (key, reference) in pickle.references {
      guard let entry = archive["\(root)/data/\(key)"], entry.size == reference.size else {
        throw .refused(
          .tensorInvalid, file.path,
          "storage '\(key)' of \(reference.count) elements is missing or of a different size")
      }
      storages[key] = .entry(entry, of: archive)
    }
    self.storages = storages
  }

  /// Returns the folder that contains all entries.
  private static func root(of archive: ZipArchive, path: String) throws(Failure) -> Substring {
    let roots = archive.entries.map { $0.name.prefix { $0 != "/" } }
    guard let root = roots.first, archive[String(root)] == nil else {
      throw .refused(.notACheckpoint, path, "a zip file, but not one that torch.save wrote")
    }
    if let other = roots.first(where: { $0 != root }) {
      throw .refused(.zipRoot, path, "entries lie in two folders, '\(root)' and '\(other)'")
    }
    return root
  }
}

// MARK: - Five pickles in a row, before torch 1.6

extension TorchContainer {
  /// The first pickle of a legacy file: the integer 0x1950a86a20f9469cfc6c.
  static let legacyMagic: [UInt8] = [
    0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E,
  ]

  /// Reads the protocol number, the system information, the object and the list of keys. For each
  /// key in the order of that list, the number of elements and the elements follow.
  init(legacy file: ReadableFile, arrayLimit: Int? = nil) throws(Failure) {
    let path = file.path
    var reader = ByteReader(
      try file.bytes(at: 0, count: min(file.size, arrayLimit ?? Self.maximumPickleSize)),
      at: Self.legacyMagic.count, subject: path, code: .pickleMalformed)
    let version = try PickleMachine.run(&reader, subject: path)
    guard version.integer(version.root) == 1001 else {
      throw .refused(.versionUnsupported, path, "not protocol 1001")
    }
    let system = try PickleMachine.run(&reader, subject: path)
    guard let order = system.value(system.root, "little_endian"),
      case .bool(let isLittleEndian) = system.values[order]
    else { throw reader.failure("the byte order is missing") }
    isBigEndian = !isLittleEndian
    isScript = false
    pickle = try TorchPickle(
      try PickleMachine.run(
        &reader, subject: path, stringLimit: arrayLimit ?? PickleMachine.maximumStringLength),
      subject: path)
    let keys = try PickleMachine.run(&reader, subject: path)
    guard case .list(let list) = keys.values[keys.root], list.count == pickle.references.count
    else {
      throw reader.failure("not a list of \(pickle.references.count) storage keys")
    }

    var storages: [String: Storage] = [:]
    var offset = reader.position
    for element in list {
      guard let key = keys.text(element), let reference = pickle.references[key],
        storages[key] == nil, let size = reference.size
      else {
        throw .refused(.tensorInvalid, path, "a storage that no tensor uses, or that occurs twice")
      }
      var header = ByteReader(
        try file.bytes(at: offset, count: 8), subject: path, code: .tensorInvalid)
      let count = try header.integer(Int64.self)
      guard Int(isBigEndian ? count.byteSwapped : count) == reference.count,
        size <= file.size - offset - 8
      else { throw header.failure("storage '\(key)' does not have \(reference.count) elements") }
      storages[key] = .range(offset + 8..<offset + 8 + size)
      offset += 8 + size
    }
    guard offset == file.size else {
      throw .refused(.unaccountedBytes, path, "\(file.size - offset) bytes follow the storages")
    }
    self.storages = storages
  }
}
