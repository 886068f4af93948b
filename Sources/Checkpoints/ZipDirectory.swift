import Files

/// The location of the central directory, from the records at the end of the file.
struct EndOfDirectory {
  let offset: Int
  let size: Int
  let count: Int

  init(of file: ReadableFile) throws(Failure) {
    let end = try Self.endRecordOffset(of: file)
    var reader = ByteReader(
      try file.bytes(at: end + 4, count: 18), subject: "\(file.path): end record",
      code: .zipMalformed)
    let disks = (try reader.integer(UInt16.self), try reader.integer(UInt16.self))
    let counts = (try reader.integer(UInt16.self), try reader.integer(UInt16.self))
    let size = try reader.integer(UInt32.self)
    let offset = try reader.integer(UInt32.self)
    guard disks == (0, 0), counts.0 == counts.1 else {
      throw reader.failure("an archive that spans several disks")
    }
    var directory = (count: UInt64(counts.0), size: UInt64(size), offset: UInt64(offset))
    var directoryEnd = end
    if let zip64 = try Self.zip64Record(before: end, of: file) {
      guard counts.0 == 0xFFFF || directory.count == zip64.count,
        size == 0xFFFF_FFFF || directory.size == zip64.size,
        offset == 0xFFFF_FFFF || directory.offset == zip64.offset
      else { throw reader.failure("the two end records differ") }
      directory = (zip64.count, zip64.size, zip64.offset)
      directoryEnd = zip64.start
    } else if counts.0 == 0xFFFF || size == 0xFFFF_FFFF || offset == 0xFFFF_FFFF {
      throw .refused(.zip64Missing, file.path, "the end record refers to a zip64 one")
    }
    // An entry takes 46 bytes and its name.
    guard directory.count <= ZipArchive.maximumEntryCount, directory.count <= directory.size / 46,
      directory.size <= ZipArchive.maximumDirectorySize
    else {
      throw .refused(
        .zipLimit, file.path,
        "\(directory.count) entries in \(directory.size) bytes of directory, at most "
          + "\(ZipArchive.maximumEntryCount) in 256 MiB are read")
    }
    guard directory.offset <= UInt64(directoryEnd),
      directory.size == UInt64(directoryEnd) - directory.offset
    else {
      throw .refused(
        .unaccountedBytes, file.path,
        "the central directory, \(directory.size) bytes at \(directory.offset), does not end at "
          + "\(directoryEnd)")
    }
    self.offset = Int(directory.offset)
    self.size = Int(directory.size)
    self.count = Int(directory.count)
  }

  /// Returns the offset of the only end record whose comment ends with the file.
  fileprivate static func endRecordOffset(of file: ReadableFile) throws(Failure) -> Int {
    let window = min(file.size, 22 + 0xFFFF)
    let tail = try file.bytes(at: file.size - window, count: window)
    let signatures = tail.indices.filter { tail[$0...].starts(with: [0x50, 0x4B, 5, 6]) }
    let ends = signatures.map { start in
      start + 22 <= window
        ? start + 22 + Int(tail[start + 20]) + Int(tail[start + 21]) << 8 : window + 1
    }
    let records = zip(signatures, ends).filter { $0.1 == window }.map(\.0)
    guard let record = records.first else {
      throw ends.last ?? .max > window
        ? .refused(.zipTruncated, file.path, "the end of the archive is missing")
        : .refused(.unaccountedBytes, file.path, "bytes follow the end of the archive")
    }
    guard records.count == 1 else {
      throw .refused(.zipMalformed, file.path, "two records claim to be the end of the archive")
    }
    return file.size - window + record
  }

  private static func zip64Record(
    before end: Int, of file: ReadableFile
  ) throws(Failure) -> (start: Int, count: UInt64, size: UInt64, offset: UInt64)? {
    guard end >= 20 + 56 else { return nil }
    var reader = ByteReader(
      try file.bytes(at: end - 76, count: 76), at: 56, subject: "\(file.path): zip64 end record",
      code: .zipMalformed)
    guard reader.skip("PK\u{6}\u{7}") else { return nil }
    let disk = try reader.integer(UInt32.self)
    let start = end - 76
    guard disk == 0, try reader.integer(UInt64.self) == UInt64(start),
      try reader.integer(UInt32.self) <= 1
    else { throw reader.failure("the locator does not point to the record before it") }

    reader.move(to: 0)
    guard reader.skip("PK\u{6}\u{6}"), try reader.integer(UInt64.self) == 44 else {
      throw reader.failure("no record of 56 bytes")
    }
    _ = try reader.bytes(4)  // versions
    let disks = try reader.integer(UInt64.self)
    let counts = (try reader.integer(UInt64.self), try reader.integer(UInt64.self))
    guard disks == 0, counts.0 == counts.1 else {
      throw reader.failure("an archive that spans several disks")
    }
    return (start, counts.0, try reader.integer(UInt64.self), try reader.integer(UInt64.self))
  }
}

extension ZipArchive {
  /// Returns whether the file ends like a zip file, whatever its beginning.
  static func hasEndRecord(_ file: ReadableFile) -> Bool {
    (try? EndOfDirectory.endRecordOffset(of: file)) != nil
  }

  static func centralDirectory(
    _ directory: EndOfDirectory, of file: ReadableFile
  ) throws(Failure) -> [Entry] {
    var reader = ByteReader(
      try file.bytes(at: directory.offset, count: directory.size),
      subject: "\(file.path): central directory", code: .zipMalformed)
    var entries: [Entry] = []
    for _ in 0..<directory.count { entries.append(try centralRecord(&reader, of: file)) }
    guard reader.remaining == 0 else {
      throw .refused(
        .zipMalformed, file.path, "the central directory has more than \(directory.count) entries")
    }
    return entries
  }

  private static func centralRecord(
    _ reader: inout ByteReader, of file: ReadableFile
  ) throws(Failure) -> Entry {
    guard reader.skip("PK\u{1}\u{2}") else { throw reader.failure("expected an entry") }
    _ = try reader.bytes(4)  // versions
    let flags = try reader.integer(UInt16.self)
    let method = try reader.integer(UInt16.self)
    _ = try reader.bytes(4)  // time and date
    let checksum = try reader.integer(UInt32.self)
    var fields = [UInt64(try reader.integer(UInt32.self)), UInt64(try reader.integer(UInt32.self))]
    let nameLength = Int(try reader.integer(UInt16.self))
    let extraLength = Int(try reader.integer(UInt16.self))
    let commentLength = Int(try reader.integer(UInt16.self))
    let disk = try reader.integer(UInt16.self)
    _ = try reader.bytes(6)  // attributes
    fields.append(UInt64(try reader.integer(UInt32.self)))
    let name = try entryName(try reader.bytes(nameLength), of: file)
    let extra = try reader.bytes(extraLength)
    _ = try reader.bytes(commentLength)

    let subject = "\(file.path): \(name)"
    guard disk == 0 else { throw .refused(.zipMalformed, subject, "lies on a different disk") }
    guard flags & 0x2041 == 0 else { throw .refused(.zipEncrypted, subject, "is encrypted") }
    guard flags & 0x20 == 0 else {
      throw .refused(
        .zipMethodUnsupported, subject, "is marked as patched data, expected a whole file")
    }
    guard method == 0 || method == 8 else {
      throw .refused(
        .zipMethodUnsupported, subject,
        "compression method \(method), expected 0 (stored) or 8 (deflated)")
    }
    try resolveZip64(&fields, extra: extra, subject: subject)
    let values = fields.compactMap { Int(exactly: $0) }
    guard values.count == 3, values[0] <= file.size, values[2] <= file.size else {
      throw .refused(.zipMalformed, subject, "reaches beyond the end of the file")
    }
    let (compressedSize, size, offset) = (values[0], values[1], values[2])
    guard method == 8 || compressedSize == size else {
      throw .refused(
        .zipMalformed, subject, "stored, but \(compressedSize) bytes stand for \(size)")
    }
    return Entry(
      name: name, size: size, isDeflated: method == 8, compressedSize: compressedSize,
      checksum: checksum, headerOffset: offset, flags: flags)
  }

  /// Returns an entry name, which must be a relative path in UTF-8.
  private static func entryName(
    _ bytes: ArraySlice<UInt8>, of file: ReadableFile
  ) throws(Failure) -> String {
    guard bytes.count <= maximumNameLength else {
      throw .refused(.zipLimit, file.path, "an entry name of \(bytes.count) bytes")
    }
    guard let name = String(validating: bytes, as: UTF8.self), !name.isEmpty,
      !bytes.contains(0), !bytes.contains(UInt8(ascii: "\\")), bytes.first != UInt8(ascii: "/"),
      !bytes.split(separator: UInt8(ascii: "/")).contains(where: { $0.elementsEqual("..".utf8) })
    else {
      throw .refused(
        .zipName, file.path, "entry name '\(String(decoding: bytes, as: UTF8.self))'")
    }
    return name
  }

  /// Replaces each field that holds 0xFFFFFFFF with the next value of the zip64 extra field.
  static func resolveZip64(
    _ fields: inout [UInt64], extra: ArraySlice<UInt8>, subject: String
  ) throws(Failure) {
    var reader = ByteReader(Array(extra), subject: subject, code: .zipMalformed)
    var zip64: ByteReader?
    while reader.remaining > 0 {
      let identifier = try reader.integer(UInt16.self)
      let content = try reader.bytes(Int(try reader.integer(UInt16.self)))
      guard identifier == 1 else { continue }
      guard zip64 == nil else { throw reader.failure("two zip64 extra fields") }
      zip64 = ByteReader(Array(content), subject: subject, code: .zipMalformed)
    }
    // The extra field holds the uncompressed size first.
    for index in [1, 0, 2] where index < fields.count && fields[index] == 0xFFFF_FFFF {
      guard var values = zip64 else {
        throw .refused(.zip64Missing, subject, "sizes of 4 GiB need a zip64 extra field")
      }
      fields[index] = try values.integer(UInt64.self)
      zip64 = values
    }
  }
}
