import Files
import Synchronization

/// A tensor as a view of stored elements.
struct StoredTensor: Sendable {
  let type: ScalarType
  let shape: [Int]
  /// In elements, as ``offset``.
  let strides: [Int]
  let offset: Int
  let storage: Storage

  /// A contiguous tensor that is all of its storage.
  init(type: ScalarType, shape: [Int], storage: Storage) {
    self.type = type
    self.shape = shape
    self.strides = contiguousStrides(shape)
    self.offset = 0
    self.storage = storage
  }

  /// A view, `nil` unless it lies within the storage. A view that repeats elements may not expand to
  /// more than a quarter of a gigabyte.
  init?(type: ScalarType, shape: [Int], strides: [Int], offset: Int, storage: Storage) {
    let capacity = storage.size / type.size
    guard let count = elementCount(shape), strides.count == shape.count, offset >= 0,
      strides.allSatisfy({ $0 >= 0 }), count <= max(capacity, (1 << 28) / type.size)
    else { return nil }
    var last = offset
    for (extent, stride) in zip(shape, strides) where count > 0 {
      let (span, tooLong) = stride.multipliedReportingOverflow(by: extent - 1)
      let (next, tooFar) = last.addingReportingOverflow(span)
      guard !tooLong, !tooFar else { return nil }
      last = next
    }
    guard count == 0 || last < capacity else { return nil }
    self.type = type
    self.shape = shape
    self.strides = strides
    self.offset = offset
    self.storage = storage
  }
}

/// Bytes that one or more tensors view.
enum Storage: Sendable {
  case range(Range<Int>)
  case entry(ZipArchive.Entry, of: ZipArchive)

  var size: Int { range.count }

  /// Where the bytes begin and how many they are, which tells storages of a file apart.
  fileprivate var range: Range<Int> {
    switch self {
    case .range(let range): range
    case .entry(let entry, _): entry.offset..<entry.offset + entry.size
    }
  }
}

/// Reads tensors from the storages of a file.
final class StorageReader: Sendable {
  private let file: ReadableFile
  private let isBigEndian: Bool
  /// The storage that was read last: often the next tensor is another view of it.
  private let latest = Mutex<(range: Range<Int>, bytes: [UInt8])?>(nil)

  var path: String { file.path }

  init(_ file: ReadableFile, isBigEndian: Bool = false) {
    self.file = file
    self.isBigEndian = isBigEndian
  }

  /// The elements of `tensor`, contiguous and little-endian.
  func array(of tensor: StoredTensor) throws(Failure) -> NPYArray {
    let bytes = gathered(
      try bytes(of: tensor.storage), size: tensor.type.size, offset: tensor.offset,
      shape: tensor.shape, strides: tensor.strides)
    return NPYArray(
      type: tensor.type, shape: tensor.shape,
      bytes: isBigEndian ? byteSwapped(bytes, size: tensor.type.size) : bytes)
  }

  private func bytes(of storage: Storage) throws(Failure) -> [UInt8] {
    if let latest = latest.withLock({ $0 }), latest.range == storage.range { return latest.bytes }
    let bytes =
      switch storage {
      case .range(let range): try file.bytes(at: range.lowerBound, count: range.count)
      case .entry(let entry, let archive): try archive.read(entry)
      }
    latest.withLock { $0 = (storage.range, bytes) }
    return bytes
  }
}
