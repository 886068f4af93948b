import CZlib
import Files

/// A zip file of uncompressed entries with fixed time stamps, written sequentially, so that equal
/// entries give equal bytes. Only the descriptions of entries are kept in memory. The file appears
/// completely or not at all.
package struct ZipWriter: ~Copyable {
  private var file: AtomicFile
  private var position = 0
  private var finished: [Entry] = []
  private var current: Entry?
  private let zip64From: Int

  private struct Entry {
    let name: [UInt8]
    let offset: Int
    let size: Int
    /// The checksum in the local header.
    let announced: UInt32
    /// The checksum of the bytes written so far.
    var checksum: UInt32 = 0
    var written = 0
  }

  /// Begins a file without entries, which ``commit()`` completes.
  ///
  /// - Parameters:
  ///   - path: The path of the file.
  ///   - zip64From: The smallest size or position in bytes that is stored in a zip64 field; below
  ///     65,535 also the smallest number of entries. Tests use a smaller one.
  /// - Throws: ``Failure`` `CannotCreate` (73) if the folder is missing or not writable or `path`
  ///   is something that cannot be written.
  package init(path: String, zip64From: Int = 0xFFFF_FFFF) throws(Failure) {
    file = try AtomicFile(path: path)
    self.zip64From = zip64From
  }

  /// Adds an entry with its whole content.
  ///
  /// - Parameters:
  ///   - name: The name of the entry.
  ///   - bytes: The whole content.
  /// - Throws: ``Failure`` `DiskFull` or `InputOutput` (74) if writing fails.
  package mutating func add(_ name: String, _ bytes: [UInt8]) throws(Failure) {
    try begin(name, size: bytes.count, checksum: checksum(0, bytes))
    try write(bytes)
  }

  /// Begins an entry, to which ``write(_:)`` adds the content.
  ///
  /// - Parameters:
  ///   - name: The name of the entry.
  ///   - size: The size of the content in bytes, all of which must be written.
  /// - Throws: ``Failure`` `DiskFull` or `InputOutput` (74) if writing fails.
  package mutating func begin(_ name: String, size: Int) throws(Failure) {
    try begin(name, size: size, checksum: 0)
  }

  /// Adds bytes to the entry that was begun last.
  ///
  /// - Parameter bytes: The next bytes of the content. Their total must not exceed the size that
  ///   was announced.
  /// - Throws: ``Failure`` `DiskFull` or `InputOutput` (74) if writing fails.
  package mutating func write(_ bytes: [UInt8]) throws(Failure) {
    guard var entry = current, entry.written + bytes.count <= entry.size else {
      preconditionFailure("more bytes than were announced")
    }
    try append(bytes)
    entry.written += bytes.count
    entry.checksum = checksum(entry.checksum, bytes)
    current = entry
  }

  /// Completes the file and gives it its name. Without this call, it never appears.
  ///
  /// - Throws: ``Failure`` `CannotCreate` (73) if the file cannot be renamed, `DiskFull` or
  ///   `InputOutput` (74) if writing or syncing fails.
  package mutating func commit() throws(Failure) {
    try end()
    let start = position
    for entry in finished { try append(centralRecord(entry)) }
    let (count, size) = (finished.count, position - start)
    if count >= min(zip64From, 0xFFFF) || size >= zip64From || start >= zip64From {
      let record = position
      try append(
        little(0x0606_4B50, 4) + little(44, 8) + little(45, 2) + little(45, 2) + little(0, 8)
          + [count, count, size, start].flatMap { little($0, 8) })
      try append(little(0x0706_4B50, 4) + little(0, 4) + little(record, 8) + little(1, 4))
    }
    let shownCount = little(count >= min(zip64From, 0xFFFF) ? 0xFFFF : count, 2)
    try append(
      little(0x0605_4B50, 4) + little(0, 4) + shownCount + shownCount + short(size) + short(start)
        + little(0, 2))
    try file.commit()
  }

  private mutating func begin(
    _ name: String, size: Int, checksum: UInt32
  ) throws(Failure) {
    try end()
    let entry = Entry(name: Array(name.utf8), offset: position, size: size, announced: checksum)
    let extra = zip64Field([size, size].filter { $0 >= zip64From })
    try append(
      little(0x0403_4B50, 4) + properties(entry, checksum) + little(entry.name.count, 2)
        + little(extra.count, 2) + entry.name + extra)
    current = entry
  }

  /// Ends the current entry, and corrects its header if the checksum was unknown at the beginning.
  private mutating func end() throws(Failure) {
    guard let entry = current else { return }
    precondition(entry.written == entry.size, "\(entry.written) of \(entry.size) bytes")
    if entry.checksum != entry.announced {
      try file.overwrite(little(Int(entry.checksum), 4), at: entry.offset + 14)
    }
    finished.append(entry)
    current = nil
  }

  private func centralRecord(_ entry: Entry) -> [UInt8] {
    let extra = zip64Field([entry.size, entry.size, entry.offset].filter { $0 >= zip64From })
    return little(0x0201_4B50, 4) + little(45, 2) + properties(entry, entry.checksum)
      + little(entry.name.count, 2) + little(extra.count, 2) + little(0, 2 + 2 + 2 + 4)
      + short(entry.offset) + entry.name + extra
  }

  /// Returns the fields that a local header and a directory record have in common: version 4.5,
  /// UTF-8, stored, 1 January 1980, checksum and sizes.
  private func properties(_ entry: Entry, _ checksum: UInt32) -> [UInt8] {
    little(45, 2) + little(0x0800, 2) + little(0, 2) + little(0, 2) + little(1 << 5 | 1, 2)
      + little(Int(checksum), 4) + short(entry.size) + short(entry.size)
  }

  private func zip64Field(_ values: [Int]) -> [UInt8] {
    guard !values.isEmpty else { return [] }
    return little(1, 2) + little(8 * values.count, 2) + values.flatMap { little($0, 8) }
  }

  /// Returns four bytes, or the mark that the value is in a zip64 field.
  private func short(_ value: Int) -> [UInt8] {
    little(value >= zip64From ? 0xFFFF_FFFF : value, 4)
  }

  private mutating func append(_ bytes: [UInt8]) throws(Failure) {
    try file.write(bytes)
    position += bytes.count
  }
}

/// Returns the lowest `count` bytes of `value`, little-endian.
private func little(_ value: Int, _ count: Int) -> [UInt8] {
  (0..<count).map { UInt8(truncatingIfNeeded: $0 < 8 ? value >> (8 * $0) : 0) }
}

private func checksum(_ start: UInt32, _ bytes: [UInt8]) -> UInt32 {
  bytes.withUnsafeBufferPointer { UInt32(crc32_z(UInt(start), $0.baseAddress, $0.count)) }
}
