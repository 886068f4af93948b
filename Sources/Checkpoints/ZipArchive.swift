import CZlib
import Files

/// A zip file whose whole structure has been audited.
///
/// After opening, every byte of the file belongs to exactly one entry, header or comment: nothing
/// overlaps, nothing is left over, no name occurs twice, and the central directory agrees with the
/// local headers. Readers that skip these checks can be made to see different contents in the same
/// file. Checksums are verified when an entry is read.
package struct ZipArchive: Sendable {
  /// An entry of the archive.
  package struct Entry: Sendable {
    /// The name, with `/` between folders.
    package let name: String
    /// The number of bytes that ``ZipArchive/read(_:)`` returns.
    package let size: Int
    let isDeflated: Bool
    let compressedSize: Int
    let checksum: UInt32
    let headerOffset: Int
    let flags: UInt16
    /// The offset of the content, known once the local header has been read.
    fileprivate(set) var offset = 0

    var hasDescriptor: Bool { flags & 8 != 0 }
    var method: UInt16 { isDeflated ? 8 : 0 }
  }

  /// The entries in the order of the central directory.
  package let entries: [Entry]
  let file: ReadableFile
  private let indices: [[UInt8]: Int]

  static let maximumEntryCount = 2_000_000
  static let maximumDirectorySize = 256 << 20
  static let maximumNameLength = 512

  /// Audits the structure of `file`.
  ///
  /// - Throws: ``Failure`` (65) `ZipTruncated`, `ZipMalformed`, `ZipOverlap`, `ZipName`,
  ///   `ZipEncrypted`, `ZipMethodUnsupported`, `Zip64Missing`, `ZipLimit`, `DuplicateEntry`,
  ///   `UnaccountedBytes`, `LocalHeaderMismatch` or `CRCMismatch`, named after what is violated; or
  ///   the failure of reading the file.
  package init(_ file: ReadableFile) throws(Failure) {
    let directory = try EndOfDirectory(of: file)
    var entries = try Self.centralDirectory(directory, of: file)
    var indices: [[UInt8]: Int] = [:]
    for (index, entry) in entries.enumerated()
    where indices.updateValue(index, forKey: Array(entry.name.utf8)) != nil {
      throw .refused(.duplicateEntry, file.path, "two entries are named '\(entry.name)'")
    }
    // The bytes between an entry's header and the next header must all belong to the entry.
    let order = entries.indices.sorted { entries[$0].headerOffset < entries[$1].headerOffset }
    let bounds = order.map { entries[$0].headerOffset } + [directory.offset]
    guard bounds[0] == 0 else {
      throw .refused(.unaccountedBytes, file.path, "\(bounds[0]) bytes precede the first entry")
    }
    for (index, end) in zip(order, bounds.dropFirst()) {
      try Self.auditLocalHeader(&entries[index], end: end, of: file)
    }
    self.entries = entries
    self.file = file
    self.indices = indices
  }

  /// Returns the entry with that name, compared byte by byte.
  package subscript(name: String) -> Entry? { indices[Array(name.utf8)].map { entries[$0] } }

  /// Returns the content of `entry` after verifying its checksum.
  ///
  /// - Throws: ``Failure`` (65) `ZipLimit` if a deflated entry has more than 1 GiB, or more than
  ///   both 64 MiB and 200 times its compressed size, or if a stored entry has more than 16 GiB;
  ///   `ZipMalformed` if it does not inflate to its size; `CRCMismatch` if the checksum differs; or
  ///   the failure of reading the file.
  package func read(_ entry: Entry) throws(Failure) -> [UInt8] {
    let subject = "\(file.path): \(entry.name)"
    let limit =
      entry.isDeflated ? min(max(64 << 20, 200 * entry.compressedSize), 1 << 30) : 16 << 30
    guard entry.size <= limit else {
      throw .refused(
        .zipLimit, subject,
        "\(entry.compressedSize) bytes hold \(entry.size), at most \(limit) are read")
    }
    let stored = try file.bytes(at: entry.offset, count: entry.compressedSize)
    let content = entry.isDeflated ? inflated(stored, size: entry.size) : stored
    guard let content else {
      throw .refused(.zipMalformed, subject, "does not inflate to \(entry.size) bytes")
    }
    try check(content.withUnsafeBufferPointer { crc32_z(0, $0.baseAddress, $0.count) }, of: entry)
    return content
  }

  /// Returns the range of the content of `entry` in the file after verifying its checksum piece by
  /// piece, or nil if the entry is deflated.
  func storedRange(of entry: Entry) throws(Failure) -> Range<Int>? {
    guard !entry.isDeflated else { return nil }
    let range = range(of: entry)
    var checksum: UInt = 0
    for start in stride(from: range.lowerBound, to: range.upperBound, by: 1 << 20) {
      let piece = try file.bytes(at: start, count: min(1 << 20, range.upperBound - start))
      checksum = piece.withUnsafeBufferPointer { crc32_z(checksum, $0.baseAddress, $0.count) }
    }
    try check(checksum, of: entry)
    return range
  }

  /// Returns the content of `entry`, which must be deflated, for reading in parts. All of it is
  /// verified now.
  func inflatedContent(of entry: Entry) throws(Failure) -> InflatedContent {
    try InflatedContent(
      file, range: range(of: entry), size: entry.size, checksum: entry.checksum,
      subject: "\(file.path): \(entry.name)")
  }

  /// Returns the first `count` bytes of the content of `entry`, or all of it, without verifying the
  /// checksum.
  func start(of entry: Entry, count: Int) throws(Failure) -> [UInt8] {
    let count = min(count, entry.size)
    guard entry.isDeflated else { return try file.bytes(at: entry.offset, count: count) }
    return try InflatedContent.start(
      of: range(of: entry), in: file, count: count, subject: "\(file.path): \(entry.name)")
  }

  private func range(of entry: Entry) -> Range<Int> {
    entry.offset..<entry.offset + entry.compressedSize
  }

  private func check(_ checksum: UInt, of entry: Entry) throws(Failure) {
    guard checksum == UInt(entry.checksum) else {
      throw .refused(
        .crcMismatch, "\(file.path): \(entry.name)",
        "checksum \(String(checksum, radix: 16)), expected \(String(entry.checksum, radix: 16))")
    }
  }
}

// MARK: - Local headers

extension ZipArchive {
  /// Checks the local header of `entry`, whose content and descriptor must fill the file up to
  /// `end`, and stores the offset of the content.
  private static func auditLocalHeader(
    _ entry: inout Entry, end: Int, of file: ReadableFile
  ) throws(Failure) {
    let subject = "\(file.path): \(entry.name)"
    func mismatch(_ what: String) -> Failure {
      .refused(.localHeaderMismatch, subject, "the local header has a different \(what)")
    }
    var reader = ByteReader(
      try file.bytes(at: entry.headerOffset, count: min(30, file.size - entry.headerOffset)),
      subject: subject, code: .zipMalformed)
    guard reader.skip("PK\u{3}\u{4}") else { throw reader.failure("no local header") }
    _ = try reader.bytes(2)  // version
    let flags = try reader.integer(UInt16.self)
    let method = try reader.integer(UInt16.self)
    _ = try reader.bytes(4)  // time and date
    let checksum = try reader.integer(UInt32.self)
    var sizes = [UInt64(try reader.integer(UInt32.self)), UInt64(try reader.integer(UInt32.self))]
    let nameLength = Int(try reader.integer(UInt16.self))
    let extraLength = Int(try reader.integer(UInt16.self))

    entry.offset = entry.headerOffset + 30 + nameLength + extraLength
    let (contentEnd, overflow) = entry.offset.addingReportingOverflow(entry.compressedSize)
    guard !overflow, contentEnd <= end else {
      throw .refused(.zipOverlap, subject, "reaches into what follows at offset \(end)")
    }
    let text = try file.bytes(at: entry.headerOffset + 30, count: nameLength + extraLength)
    guard text.prefix(nameLength).elementsEqual(entry.name.utf8) else { throw mismatch("name") }
    guard method == entry.method else { throw mismatch("method") }
    guard flags & 9 == entry.flags & 9 else { throw mismatch("set of flags") }
    try resolveZip64(&sizes, extra: text.dropFirst(nameLength), subject: subject)
    let streamed = entry.hasDescriptor && checksum == 0 && sizes == [0, 0]
    guard streamed || sizes == [UInt64(entry.compressedSize), UInt64(entry.size)] else {
      throw mismatch("size")
    }
    guard streamed || checksum == entry.checksum else { throw mismatch("checksum") }
    try auditDescriptor(of: entry, at: contentEnd, count: end - contentEnd, file: file)
  }

  /// Checks the record after the content: checksum and sizes of 4 or 8 bytes each, with or without
  /// a signature. It must be absent unless the flags announce it.
  private static func auditDescriptor(
    of entry: Entry, at offset: Int, count: Int, file: ReadableFile
  ) throws(Failure) {
    guard entry.hasDescriptor ? [12, 16, 20, 24].contains(count) : count == 0 else {
      throw .refused(.unaccountedBytes, file.path, "\(count) bytes follow '\(entry.name)'")
    }
    guard entry.hasDescriptor else { return }
    let subject = "\(file.path): \(entry.name)"
    var reader = ByteReader(
      try file.bytes(at: offset, count: count), subject: subject, code: .zipMalformed)
    guard count % 8 == 4 || reader.skip("PK\u{7}\u{8}") else {
      throw reader.failure("no data descriptor")
    }
    guard try reader.integer(UInt32.self) == entry.checksum else {
      throw .refused(.crcMismatch, subject, "the data descriptor has a different checksum")
    }
    for size in [entry.compressedSize, entry.size] {
      let found =
        count < 20 ? UInt64(try reader.integer(UInt32.self)) : try reader.integer(UInt64.self)
      guard found == UInt64(size) else {
        throw .refused(.localHeaderMismatch, subject, "the data descriptor has a different size")
      }
    }
  }
}
