import CZip
import Glibc

/// A zip file of uncompressed entries with fixed time stamps, assembled by libzip in memory; `nil`
/// when memory is short.
package func storedZip(of files: [(name: String, bytes: [UInt8])]) -> [UInt8]? {
  guard let target = zip_source_buffer_create(nil, 0, 0, nil) else { return nil }
  defer { zip_source_free(target) }
  guard let archive = zip_open_from_source(target, ZIP_TRUNCATE, nil) else { return nil }
  zip_source_keep(target)  // Closing the archive gives up its own reference.
  guard files.allSatisfy({ add($0.bytes, named: $0.name, to: archive) }), zip_close(archive) == 0
  else {
    zip_discard(archive)
    return nil
  }
  return content(of: target)
}

private func add(_ bytes: [UInt8], named name: String, to archive: OpaquePointer) -> Bool {
  // libzip reads the content when the archive is closed, so it gets a copy of its own.
  guard let copy = malloc(max(bytes.count, 1)) else { return false }
  bytes.withUnsafeBytes {
    UnsafeMutableRawBufferPointer(start: copy, count: $0.count).copyBytes(from: $0)
  }
  guard let source = zip_source_buffer(archive, copy, zip_uint64_t(bytes.count), 1) else {
    free(copy)
    return false
  }
  let index = zip_file_add(archive, name, source, zip_flags_t(ZIP_FL_ENC_UTF_8))
  guard index >= 0 else {
    zip_source_free(source)
    return false
  }
  let firstOfJanuary1980: zip_uint16_t = 1 << 5 | 1
  return zip_set_file_compression(archive, zip_uint64_t(index), ZIP_CM_STORE, 0) == 0
    && zip_file_set_dostime(archive, zip_uint64_t(index), 0, firstOfJanuary1980, 0) == 0
}

private func content(of source: OpaquePointer) -> [UInt8]? {
  var status = zip_stat_t()
  guard zip_source_stat(source, &status) == 0, zip_source_open(source) == 0 else { return nil }
  defer { zip_source_close(source) }
  let size = Int(status.size)
  let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
    count = max(0, Int(zip_source_read(source, buffer.baseAddress, zip_uint64_t(size))))
  }
  return bytes.count == size ? bytes : nil
}
