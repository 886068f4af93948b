import Files

/// Named arrays in a zip file, as `numpy.savez` writes them. Arrays are read on request.
package struct NPZ: Sendable {
  /// The names of the arrays, without `.npy`, in file order.
  package let names: [String]
  private let archive: ZipArchive
  private let path: String

  /// Opens a `.npz` file and audits its structure.
  ///
  /// - Throws: ``Failure`` (65) `DuplicateEntry` if two arrays have the same name, `ZipTruncated`,
  ///   `ZipMalformed` and the other codes of ``ZipArchive/init(_:)`` if the structure is invalid,
  ///   or the failure of opening the file, such as `NotFound` (66).
  package static func read(_ path: String) throws(Failure) -> NPZ {
    try NPZ(try ZipArchive(try ReadableFile(path: path)))
  }

  /// Interprets the entries of `archive` as arrays.
  ///
  /// - Throws: ``Failure`` `DuplicateEntry` (65) if two arrays have the same name without `.npy`.
  package init(_ archive: ZipArchive) throws(Failure) {
    path = archive.file.path
    names = archive.entries.map { entry in
      entry.name.hasSuffix(".npy") ? String(entry.name.dropLast(4)) : entry.name
    }
    guard Set(names.map { Array($0.utf8) }).count == names.count else {
      throw .refused(.duplicateEntry, path, "two arrays have the same name")
    }
    self.archive = archive
  }

  /// Returns the array with that name.
  ///
  /// - Throws: ``Failure`` `ArrayMissing` (65) if there is none, or as ``ZipArchive/read(_:)`` and
  ///   ``NPYArray/parse(_:subject:)`` do.
  package func array(_ name: String) throws(Failure) -> NPYArray {
    try NPYArray.parse(try archive.read(try entry(name)), subject: "\(path): \(name)")
  }

  /// Returns a reader of the array with that name. The checksum is verified immediately.
  ///
  /// - Throws: ``Failure`` (65) `ArrayMissing` if there is none, `CRCMismatch` or `ZipMalformed` if
  ///   its content is damaged, `NpyMalformed`, `NpyUnsupported` or `NpyLimit` as for
  ///   ``NPYReader/init(path:)``; or the failure of reading the file.
  package func reader(_ name: String) throws(Failure) -> NPYReader {
    let (entry, subject) = (try entry(name), "\(path): \(name)")
    if let range = try archive.storedRange(of: entry) {
      return try NPYReader(archive.file, range: range, subject: subject)
    }
    return try NPYReader(try archive.inflatedContent(of: entry), subject: subject)
  }

  /// Returns the uncompressed size of an array and its header in bytes.
  ///
  /// - Throws: ``Failure`` `ArrayMissing` (65) if there is no such array.
  package func size(_ name: String) throws(Failure) -> Int { try entry(name).size }

  /// Returns the type and shape of an array. Only the header is read, and the checksum is not
  /// verified.
  ///
  /// - Throws: ``Failure`` (65) `ArrayMissing` if there is none, `ZipMalformed` if the entry cannot
  ///   be inflated, `NpyMalformed` or `NpyUnsupported` as for ``NPYArray/parse(_:subject:)``; or
  ///   the failure of reading the file.
  package func layout(_ name: String) throws(Failure) -> (type: ScalarType, shape: [Int]) {
    let entry = try entry(name)
    let start = try archive.start(of: entry, count: NPYHeader.maximumSize)
    let header = try NPYHeader(start, fileSize: entry.size, subject: "\(path): \(name)")
    return (header.type, header.shape)
  }

  private func entry(_ name: String) throws(Failure) -> ZipArchive.Entry {
    guard let entry = archive["\(name).npy"] ?? archive[name] else {
      throw .refused(
        .arrayMissing, path, "no array '\(name)', there are: \(names.joined(separator: ", "))")
    }
    return entry
  }

  /// Writes arrays in their order, uncompressed and with fixed time stamps, so that equal arrays
  /// give equal bytes.
  ///
  /// - Parameters:
  ///   - arrays: The arrays, of any shape, with their names without `.npy`.
  ///   - path: The path of the file.
  /// - Throws: ``Failure`` `CannotCreate` (73) if the file cannot be created, `DiskFull` or
  ///   `InputOutput` (74) if writing fails.
  package static func write(
    _ arrays: [(name: String, array: NPYArray)], to path: String
  ) throws(Failure) {
    var archive = try ZipWriter(path: path)
    for (name, array) in arrays { try archive.add("\(name).npy", array.serialized()) }
    try archive.commit()
  }
}
