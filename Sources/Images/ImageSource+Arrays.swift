import Checkpoints
import Files

/// Arrays of pixels.
extension ImageSource {
  init(_ file: NPZ, path: String) throws(Failure) {
    guard file.names.contains("arr_0") else {
      let names = file.names.prefix(20).joined(separator: ", ")
      throw Failure(
        .dataRefused, .arrayMissing, path,
        "has \(names.isEmpty ? "no arrays" : names); expected images (arr_0), statistics (mu and "
          + "sigma) or feature rows (features); save the arrays again under these names")
    }
    let pixels = try file.reader("arr_0")
    try self.init(
      pixels, labels: try Self.labels(in: file, count: pixels.shape.first ?? 0),
      name: "arr_0 of an npz file", path: path)
  }

  /// Returns the array `arr_1`, in which ADM writes the classes of its samples, or `labels`; nil
  /// unless it consists of `count` integers that are not negative.
  private static func labels(in file: NPZ, count: Int) throws(Failure) -> [Int]? {
    guard let name = ["arr_1", "labels"].first(where: file.names.contains) else { return nil }
    let layout: (type: ScalarType, shape: [Int])
    do {
      layout = try file.layout(name)
    } catch let failure where failure.code == .npyUnsupported {
      return nil
    }
    guard layout.shape == [count], layout.type.isInteger else { return nil }
    let array = try file.array(name)
    let labels = try? array.integers()
    return labels.flatMap { $0.allSatisfy { $0 >= 0 } ? $0 : nil }
  }

  /// Opens an array `[N, H, W, C]`.
  init(_ array: NPYReader, labels: [Int]? = nil, name: String, path: String) throws(Failure) {
    let shape = array.shape
    guard array.type == .uint8, shape.count == 4, [1, 3].contains(shape[3]) else {
      throw Failure(
        .dataRefused, .notImages, path,
        "\(array.type) \(shape), expected uint8 [N, H, W, C] with C 1 or 3")
    }
    let (height, width, channels) = (shape[1], shape[2], shape[3])
    try ImageLimits.check(width: width, height: height, subject: path)
    guard shape[0] > 0, width > 0, height > 0 else {
      throw Failure(.inputMissing, .noImages, path, "\(name) of shape \(shape)")
    }
    let kind = channels == 1 ? "grey" : "RGB"
    self.init(
      count: shape[0], description: "\(name) of \(shape[0]) images, \(width) x \(height), \(kind)",
      labels: labels, size: (width, height),
      storage: .array(array, width: width, height: height, channels: channels))
  }

  /// Opens a whole IDX file in memory.
  init(idx bytes: [UInt8], path: String) throws(Failure) {
    let shape = try Self.idxShape(bytes.prefix(16), fileSize: bytes.count, path: path)
    let array = NPYArray(bytes: Array(bytes[16...]), shape: shape)
    try self.init(NPYReader(array), name: "IDX file", path: path)
  }

  /// Opens an IDX file without reading its pixels into memory.
  init(idx file: ReadableFile) throws(Failure) {
    let start = try file.bytes(at: 0, count: min(file.size, 16))
    let shape = try Self.idxShape(start[...], fileSize: file.size, path: file.path)
    let array = NPYReader(file, range: 16..<file.size, shape: shape)
    try self.init(array, name: "IDX file", path: file.path)
  }

  /// Returns the shape `[N, H, W, 1]` encoded in the first 16 bytes of an IDX file.
  private static func idxShape(
    _ start: ArraySlice<UInt8>, fileSize: Int, path: String
  ) throws(Failure) -> [Int] {
    guard start.count == 16, start.starts(with: [0, 0, 8, 3]) else {
      throw Failure(
        .dataRefused, .notImages, path, "expected an IDX file of unsigned bytes [N, H, W]")
    }
    let shape = stride(from: 4, to: 16, by: 4).map { at in
      start[at..<at + 4].reduce(0) { $0 << 8 | Int($1) }
    }
    try ImageLimits.check(width: shape[2], height: shape[1], subject: path)
    // The extents have 32 bits, and a plane at most ImageLimits.pixels pixels, so the product does
    // not overflow.
    guard shape[0] * (shape[1] * shape[2]) == fileSize - 16 else {
      throw Failure(
        .dataRefused, .truncated, path, "\(fileSize - 16) bytes of pixels for \(shape)")
    }
    return shape + [1]
  }
}
