import Checkpoints
import Files

/// Images in a fixed order, decoded when asked for: a folder of PNG and JPEG files, or an array of
/// pixels in a `.npz`, `.npy` or IDX file. What a file is, its content says, not its name.
public struct ImageSource: Sendable, CustomStringConvertible {
  /// How many images there are; at least one.
  public let count: Int
  /// What was found, for people: `folder of 5000 images`.
  public let description: String
  private let storage: Storage

  private enum Storage {
    /// The names of the image files, sorted by their bytes.
    case folder(Folder, [[UInt8]])
    /// Images of one size, one after the other from byte `offset`.
    case array([UInt8], offset: Int, width: Int, height: Int, channels: Int)
  }

  /// Opens a folder or a file.
  ///
  /// - In a folder, the files ending in `.png`, `.jpg` or `.jpeg` in any letter case are the images,
  ///   sorted by the bytes of their names. Image files of other formats are refused rather than left
  ///   out; all other entries are ignored.
  /// - `.npz`: the array `arr_0`, uint8 `[N, H, W, C]` with `C` 1 or 3, as ADM writes samples.
  /// - `.npy`: an array of that kind.
  /// - IDX, also gzipped: uint8 `[N, H, W]`, the images of MNIST and Fashion-MNIST.
  ///
  /// - Throws: ``Failure`` `UnsupportedFormat`, `NoImages` (status `inputMissing`), `NotImages`,
  ///   `ImageLimit`, or the failure of reading `path`.
  public init(path: String) throws(Failure) {
    let file: ReadableFile
    do {
      file = try ReadableFile(path: path)
    } catch let failure where failure.code == "NotARegularFile" {
      try self.init(try Folder(path: path))
      return
    }
    switch try file.bytes(at: 0, count: min(file.size, 4)) {
    case Array("PK\u{3}\u{4}".utf8):
      let array = try NPZ.read(path).array("arr_0")
      try self.init(array, name: "arr_0 of an npz file", path: path)
    case [0x93] + Array("NUM".utf8):
      try self.init(try NPYArray.read(path), name: "npy file", path: path)
    case let start where start.starts(with: [0x1F, 0x8B]):
      let content = try gunzipped(try file.bytes(at: 0, count: file.size), subject: path)
      try self.init(idx: content, path: path)
    case [0, 0, 8, 3]:
      try self.init(idx: try file.bytes(at: 0, count: file.size), path: path)
    default:
      throw Failure(.dataRefused, "UnsupportedFormat", path, "neither \(Self.supportedFormats)")
    }
  }

  private static let supportedFormats =
    "a folder of PNG and JPEG files, nor an npz or npy file of images, nor an IDX file (MNIST), "
    + "gzipped or not"

  private init(_ folder: Folder) throws(Failure) {
    var images: [[UInt8]] = []
    for name in folder.names {
      let lowercase = String(decoding: name, as: UTF8.self).lowercased()
      if Image.fileSuffixes.contains(where: lowercase.hasSuffix) {
        images.append(name)
      } else if Self.otherImageSuffixes.contains(where: lowercase.hasSuffix) {
        throw Failure(
          .dataRefused, "UnsupportedFormat", folder.displayPath(of: name),
          "of image files, only PNG and JPEG are supported")
      }
    }
    guard !images.isEmpty else {
      throw Failure(
        .inputMissing, "NoImages", folder.path, "no file here ends in .png, .jpg or .jpeg")
    }
    count = images.count
    description = "folder of \(images.count) images"
    storage = .folder(folder, images)
  }

  private static let otherImageSuffixes = [
    ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm",
  ]

  private init(_ array: NPYArray, name: String, path: String) throws(Failure) {
    guard array.type == .uint8, array.shape.count == 4, [1, 3].contains(array.shape[3]) else {
      throw Failure(
        .dataRefused, "NotImages", path,
        "\(array.type) \(array.shape), expected uint8 [N, H, W, C] with C 1 or 3")
    }
    try self.init(array.bytes, offset: 0, shape: array.shape, name: name, path: path)
  }

  private init(idx bytes: [UInt8], path: String) throws(Failure) {
    guard bytes.count >= 16, bytes.starts(with: [0, 0, 8, 3]) else {
      throw Failure(
        .dataRefused, "NotImages", path, "expected an IDX file of unsigned bytes [N, H, W]")
    }
    let shape = stride(from: 4, to: 16, by: 4).map { start in
      bytes[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
    }
    try self.init(bytes, offset: 16, shape: shape + [1], name: "IDX file", path: path)
  }

  /// Wraps pixels of `shape` `[N, H, W, C]`.
  private init(
    _ bytes: [UInt8], offset: Int, shape: [Int], name: String, path: String
  ) throws(Failure) {
    let (count, height, width, channels) = (shape[0], shape[1], shape[2], shape[3])
    try ImageLimits.check(width: width, height: height, subject: path)
    guard count > 0, width > 0, height > 0 else {
      throw Failure(.inputMissing, "NoImages", path, "\(name) of shape \(shape)")
    }
    let (size, overflow) = count.multipliedReportingOverflow(by: height * width * channels)
    guard !overflow, size == bytes.count - offset else {
      throw Failure(
        .dataRefused, "Truncated", path, "\(bytes.count - offset) bytes of pixels for \(shape)")
    }
    self.count = count
    description =
      "\(name) of \(count) images, \(width) x \(height), \(channels == 1 ? "grey" : "RGB")"
    storage = .array(bytes, offset: offset, width: width, height: height, channels: channels)
  }

  /// Decodes the image at `index`, from 0 to ``count`` - 1.
  ///
  /// - Throws: The ``Failure`` of reading or decoding it; `InputChanged` when a file that the folder
  ///   listed cannot be found.
  public func image(at index: Int) throws(Failure) -> Image {
    switch storage {
    case .folder(let folder, let names):
      let file: ReadableFile
      do {
        file = try folder.open(names[index])
      } catch let failure where failure.status == .inputMissing {
        throw Failure(
          .dataRefused, "InputChanged", failure.subject,
          "the folder lists it, but it is gone or a link to nothing")
      }
      return try Image(file: try file.bytes(at: 0, count: file.size), subject: file.path)
    case .array(let bytes, let offset, let width, let height, let channels):
      let size = height * width * channels
      let start = offset + index * size
      return Image(
        width: width, height: height, channels: channels, pixels: Array(bytes[start..<start + size])
      )
    }
  }
}
