import Files
import Synchronization

/// A tensor as a strided view of stored elements.
struct StoredTensor: Sendable {
  let type: ScalarType
  let shape: [Int]
  /// The strides in elements. ``offset`` is in elements as well.
  let strides: [Int]
  let offset: Int
  let storage: Storage

  /// Creates a contiguous tensor that covers its whole storage.
  init(type: ScalarType, shape: [Int], storage: Storage) {
    self.type = type
    self.shape = shape
    self.strides = contiguousStrides(shape)
    self.offset = 0
    self.storage = storage
  }

  /// Creates a view, or returns nil if it does not lie within the storage. A view that repeats
  /// elements may not expand to more than 256 MiB.
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

/// Tensors in memory.
extension StoredTensor {
  /// Creates a view of `array` whose axis k is the array's axis `axes[k]`.
  init(_ array: NPYArray, axes: [Int]) {
    let arrayStrides = contiguousStrides(array.shape)
    type = array.type
    shape = axes.map { array.shape[$0] }
    strides = axes.map { arrayStrides[$0] }
    offset = 0
    storage = .memory(array.bytes)
  }

  /// Creates a float32 tensor of ones, all of which are views of one number.
  init(ones shape: [Int]) {
    type = .float32
    self.shape = shape
    strides = shape.map { _ in 0 }
    offset = 0
    storage = .memory(withUnsafeBytes(of: Float(1).bitPattern.littleEndian) { Array($0) })
  }
}

/// The bytes that one or more tensors view.
enum Storage: Sendable {
  /// A range of bytes of one of the reader's files.
  case range(Range<Int>, file: Int = 0)
  case entry(ZipArchive.Entry, of: ZipArchive)
  /// Bytes that were read together with the structure of the file.
  case memory([UInt8])

  var size: Int {
    switch self {
    case .range(let range, _): range.count
    case .entry(let entry, _): entry.size
    case .memory(let bytes): bytes.count
    }
  }

  /// The bytes in a file, which identify a storage.
  fileprivate var place: Place? {
    switch self {
    case .range(let range, let file): Place(file: file, range: range)
    case .entry(let entry, _): Place(file: 0, range: entry.offset..<entry.offset + entry.size)
    case .memory: nil
    }
  }

  fileprivate struct Place: Equatable {
    /// The index of the file.
    let file: Int
    let range: Range<Int>
  }
}

/// Reads tensors from the storages of one or more files.
final class StorageReader: Sendable {
  /// The path of the file, or of the index of several files.
  let path: String
  /// The files; none if everything is in memory.
  private let files: [ReadableFile]
  private let isBigEndian: Bool
  /// The storage that was read last. The next tensor is often a different view of it.
  private let latest = Mutex<(place: Storage.Place, bytes: [UInt8])?>(nil)

  init(_ file: ReadableFile, isBigEndian: Bool = false) {
    self.path = file.path
    self.files = [file]
    self.isBigEndian = isBigEndian
  }

  /// Creates a reader of several little-endian files.
  init(_ files: [ReadableFile], path: String) {
    self.path = path
    self.files = files
    self.isBigEndian = false
  }

  /// Creates a reader for a file of which nothing remains to be read.
  convenience init(path: String) { self.init([], path: path) }

  /// Returns the elements of `tensor`, contiguous and little-endian.
  func array(of tensor: StoredTensor) throws(Failure) -> NPYArray {
    let bytes = gathered(
      try bytes(of: tensor.storage), size: tensor.type.size, offset: tensor.offset,
      shape: tensor.shape, strides: tensor.strides)
    let isSwapped = isBigEndian && tensor.storage.place != nil
    return NPYArray(
      type: tensor.type, shape: tensor.shape,
      bytes: isSwapped ? byteSwapped(bytes, size: tensor.type.size) : bytes)
  }

  private func bytes(of storage: Storage) throws(Failure) -> [UInt8] {
    if case .memory(let bytes) = storage { return bytes }
    guard let place = storage.place, files.indices.contains(place.file) else {
      preconditionFailure("no file to read from")
    }
    if let latest = latest.withLock({ $0 }), latest.place == place { return latest.bytes }
    let bytes =
      if case .entry(let entry, let archive) = storage { try archive.read(entry) } else {
        try files[place.file].bytes(at: place.range.lowerBound, count: place.range.count)
      }
    latest.withLock { $0 = (place, bytes) }
    return bytes
  }
}
