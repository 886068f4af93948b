import Checkpoints
import Files

/// A file of CIFAR-10 or CIFAR-100: labels, and images of 32 x 32 pixels stored as red, green and
/// blue planes.
struct CIFARBatch: Sendable {
  /// The classes of CIFAR-10, or the fine classes of CIFAR-100.
  let labels: [Int]
  /// Records `[N, R]` whose last 3072 bytes are an image.
  private let records: NPYReader

  static let side = 32
  private static let planeSize = side * side
  private static let pixelSize = 3 * planeSize

  var count: Int { labels.count }

  /// Opens a file of the binary version: for each image a label, or a coarse and a fine label in
  /// CIFAR-100, and 3072 bytes of pixels. The format has no header, so the file name must end in
  /// `.bin`.
  ///
  /// - Throws: ``Failure`` `NotImages` (65) unless the size and all labels fit one of the two data
  ///   sets.
  init(binary file: ReadableFile) throws(Failure) {
    for maxima: [UInt8] in [[9], [19, 99]] {
      let size = maxima.count + Self.pixelSize
      guard file.size > 0, file.size.isMultiple(of: size) else { continue }
      let records = NPYReader(file, range: 0..<file.size, shape: [file.size / size, size])
      if let labels = try Self.labels(records, maxima) {
        (self.labels, self.records) = (labels, records)
        return
      }
    }
    throw Failure(
      .dataRefused, .notImages, file.path,
      "\(file.size) bytes, expected CIFAR-10's records of 3073 bytes, labels up to 9, or "
        + "CIFAR-100's of 3074 bytes, labels up to 19 and 99")
  }

  /// Returns the last label of each record, or nil if one of the labels exceeds its maximum.
  private static func labels(_ records: NPYReader, _ maxima: [UInt8]) throws(Failure) -> [Int]? {
    var labels: [Int] = []
    for start in stride(from: 0, to: records.shape[0] * records.shape[1], by: records.shape[1]) {
      let found = try records.bytes(start..<start + maxima.count)
      guard zip(found, maxima).allSatisfy(<=), let label = found.last else { return nil }
      labels.append(Int(label))
    }
    return labels
  }

  /// Opens a file of the Python version: a pickled dictionary with an array `data`, uint8
  /// `[N, 3072]`, and a list `labels` or `fine_labels`.
  ///
  /// - Throws: ``Failure`` `NotImages` (65) if the pickle holds something else, or the failure of
  ///   reading the pickle.
  init(pickle file: ReadableFile) throws(Failure) {
    let root = try PickledValue.read(file.path)
    let found = try root["data"]?.layout()
    guard let data = root["data"], let layout = found, layout.type == .uint8,
      layout.shape.count == 2, layout.shape[0] > 0, layout.shape[1] == Self.pixelSize,
      let labels = (root["labels"] ?? root["fine_labels"])?.elements?.compactMap(\.integer),
      labels.count == layout.shape[0], labels.allSatisfy((0..<100).contains),
      let records = try data.array()
    else {
      throw Failure(
        .dataRefused, .notImages, file.path,
        "a pickle "
          + (found.map { "with 'data' \($0.type) \($0.shape)" } ?? "without an array 'data'")
          + ", expected a batch of CIFAR: an array 'data', uint8 [N, 3072], and as many integers "
          + "'labels' or 'fine_labels'")
    }
    (self.labels, self.records) = (labels, NPYReader(records))
  }

  /// Returns the image at `index`, with interleaved channels.
  func image(at index: Int) throws(Failure) -> Image {
    let end = (index + 1) * records.shape[1]
    let planes = try records.bytes(end - Self.pixelSize..<end)
    var pixels: [UInt8] = []
    pixels.reserveCapacity(Self.pixelSize)
    for pixel in 0..<Self.planeSize {
      for channel in 0..<3 { pixels.append(planes[channel * Self.planeSize + pixel]) }
    }
    return Image(width: Self.side, height: Self.side, channels: 3, pixels: pixels)
  }

  /// Returns whether a file name in a folder belongs to the training set of CIFAR-10.
  static func isTrainingBatch(_ name: [UInt8]) -> Bool {
    let prefix = Array("data_batch_".utf8)
    let number = name.dropFirst(prefix.count).prefix { (0x30...0x39).contains($0) }
    let rest = name.dropFirst(prefix.count + number.count)
    return name.starts(with: prefix) && !number.isEmpty
      && (rest.isEmpty || rest.elementsEqual(".bin".utf8))
  }
}
