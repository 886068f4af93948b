import Files

/// Named arrays in a zip file, as `numpy.savez` writes them. Arrays are read when asked for.
package struct NPZ: Sendable {
  /// The names of the arrays, without `.npy`, in file order.
  package let names: [String]
  private let archive: ZipArchive
  private let path: String

  /// Opens a `.npz` file and audits its structure.
  package static func read(_ path: String) throws(Failure) -> NPZ {
    let archive = try ZipArchive(try ReadableFile(path: path))
    let names = archive.entries.map { entry in
      entry.name.hasSuffix(".npy") ? String(entry.name.dropLast(4)) : entry.name
    }
    guard Set(names.map { Array($0.utf8) }).count == names.count else {
      throw .refused("DuplicateEntry", path, "two arrays have the same name")
    }
    return NPZ(names: names, archive: archive, path: path)
  }

  /// The array of that name.
  package func array(_ name: String) throws(Failure) -> NPYArray {
    guard let entry = archive["\(name).npy"] ?? archive[name] else {
      throw .refused(
        "ArrayMissing", path, "no array '\(name)', there are: \(names.joined(separator: ", "))")
    }
    return try NPYArray.parse(try archive.read(entry), subject: "\(path): \(name)")
  }

  /// Writes `arrays` in their order, uncompressed, with fixed time stamps: equal arrays give equal
  /// bytes.
  package static func write(
    _ arrays: [(name: String, array: NPYArray)], to path: String
  ) throws(Failure) {
    let files = arrays.map { (name: "\($0.name).npy", bytes: $0.array.serialized()) }
    guard let bytes = storedZip(of: files) else {
      throw Failure(.outOfMemory, "OutOfMemory", path, "cannot assemble the archive")
    }
    try AtomicFile.write(bytes, to: path)
  }
}
