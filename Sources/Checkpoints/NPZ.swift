import Files

/// Named arrays in a zip file, as `numpy.savez` writes them. Arrays are read when asked for.
package struct NPZ: Sendable {
  /// The names of the arrays, without `.npy`, in file order.
  package let names: [String]
  private let archive: ZipArchive
  private let path: String

  /// Opens a `.npz` file and audits its structure.
  package static func read(_ path: String) throws(Failure) -> NPZ {
    try NPZ(try ZipArchive(try ReadableFile(path: path)))
  }

  /// Takes the entries of `archive` for arrays.
  package init(_ archive: ZipArchive) throws(Failure) {
    path = archive.file.path
    names = archive.entries.map { entry in
      entry.name.hasSuffix(".npy") ? String(entry.name.dropLast(4)) : entry.name
    }
    guard Set(names.map { Array($0.utf8) }).count == names.count else {
      throw .refused("DuplicateEntry", path, "two arrays have the same name")
    }
    self.archive = archive
  }

  /// The array of that name.
  package func array(_ name: String) throws(Failure) -> NPYArray {
    try NPYArray.parse(try archive.read(try entry(name)), subject: "\(path): \(name)")
  }

  /// The array of that name, to be read in parts from the file, with its checksum verified now.
  package func reader(_ name: String) throws(Failure) -> NPYReader {
    let (entry, subject) = (try entry(name), "\(path): \(name)")
    if let range = try archive.storedRange(of: entry) {
      return try NPYReader(archive.file, range: range, subject: subject)
    }
    return try NPYReader(try archive.inflatedContent(of: entry), subject: subject)
  }

  /// The bytes of an array and its header, once inflated.
  package func size(_ name: String) throws(Failure) -> Int { try entry(name).size }

  /// Type and shape of an array. Only the header is read, and the checksum is not looked at.
  package func layout(_ name: String) throws(Failure) -> (type: ScalarType, shape: [Int]) {
    let entry = try entry(name)
    let start = try archive.start(of: entry, count: NPYHeader.maximumSize)
    let header = try NPYHeader(start, fileSize: entry.size, subject: "\(path): \(name)")
    return (header.type, header.shape)
  }

  private func entry(_ name: String) throws(Failure) -> ZipArchive.Entry {
    guard let entry = archive["\(name).npy"] ?? archive[name] else {
      throw .refused(
        "ArrayMissing", path, "no array '\(name)', there are: \(names.joined(separator: ", "))")
    }
    return entry
  }

  /// Writes `arrays` in their order, uncompressed, with fixed time stamps: equal arrays give equal
  /// bytes.
  package static func write(
    _ arrays: [(name: String, array: NPYArray)], to path: String
  ) throws(Failure) {
    var archive = try ZipWriter(path: path)
    for (name, array) in arrays { try archive.add("\(name).npy", array.serialized()) }
    try archive.commit()
  }
}
