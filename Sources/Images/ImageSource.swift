import Checkpoints
import Files

/// Images in a fixed order, decoded when asked for: a folder or a zip file of PNG and JPEG files, or
/// an array of pixels in a `.npz`, `.npy` or IDX file. What a file is, its content says, not its
/// name.
///
/// Images are read one at a time, but for IDX files and arrays that are deflated or in Fortran
/// order, which are held in memory as a whole.
public struct ImageSource: Sendable, CustomStringConvertible {
  /// How many images there are; at least one.
  public let count: Int
  /// What was found, for people: `folder of 5000 images`.
  public let description: String
  private let storage: Storage

  /// What can hold images.
  public enum Container: String, Sendable {
    case folder, zip, array
  }

  /// What holds these images.
  public var container: Container {
    switch storage {
    case .folder: .folder
    case .zip: .zip
    case .array: .array
    }
  }

  private enum Storage {
    /// The names of the image files, sorted by their bytes.
    case folder(Folder, [[UInt8]])
    /// The entries that are image files, sorted by the bytes of their names.
    case zip(ZipArchive, [ZipArchive.Entry], path: String)
    /// Images of one size, one after the other.
    case array(NPYReader, width: Int, height: Int, channels: Int)
  }

  /// Opens a folder or a file.
  ///
  /// - In a folder, the files ending in `.png`, `.jpg` or `.jpeg` in any letter case are the images,
  ///   sorted by the bytes of their names. Image files of other formats are refused rather than left
  ///   out; all other entries are ignored.
  /// - A zip file is read like a folder, with the folders inside it: the names are whole paths.
  /// - `.npz`: the array `arr_0`, uint8 `[N, H, W, C]` with `C` 1 or 3, as ADM writes samples. Its
  ///   checksum is verified here. Deflated, it may have up to 1 GiB.
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
      let archive = try ZipArchive(file)
      // An archive with arrays is one of arrays, whatever else is in it.
      if archive.entries.contains(where: { $0.name.hasSuffix(".npy") || $0.name == "arr_0" }) {
        let array = try NPZ(archive).reader("arr_0")
        try self.init(array, name: "arr_0 of an npz file", path: path)
      } else {
        try self.init(archive, path: path)
      }
    case [0x93] + Array("NUM".utf8):
      try self.init(try NPYReader(path: path), name: "npy file", path: path)
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
    "a folder nor a zip file of PNG and JPEG files, nor an npz or npy file of images, "
    + "nor an IDX file (MNIST), gzipped or not"

  private init(_ folder: Folder) throws(Failure) {
    var images: [[UInt8]] = []
    for name in folder.names {
      if try Self.isImage(name, displayPath: folder.displayPath(of: name)) { images.append(name) }
    }
    guard !images.isEmpty else {
      throw Failure(
        .inputMissing, "NoImages", folder.path, "no file here ends in .png, .jpg or .jpeg")
    }
    count = images.count
    description = "folder of \(images.count) images"
    storage = .folder(folder, images)
  }

  private init(_ archive: ZipArchive, path: String) throws(Failure) {
    var images: [ZipArchive.Entry] = []
    for entry in archive.entries {
      let name = "\(path): \(entry.name)"
      if try Self.isImage(Array(entry.name.utf8), displayPath: name) { images.append(entry) }
    }
    guard !images.isEmpty else {
      throw Failure(
        .inputMissing, "NoImages", path,
        "neither an array arr_0 nor an entry that ends in .png, .jpg or .jpeg")
    }
    images.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    count = images.count
    description = "zip file of \(images.count) images"
    storage = .zip(archive, images, path: path)
  }

  /// Whether the name is one of an image file.
  ///
  /// - Throws: ``Failure`` `UnsupportedFormat` for image files of other formats.
  private static func isImage(_ name: [UInt8], displayPath: String) throws(Failure) -> Bool {
    let lowercase = String(decoding: name, as: UTF8.self).lowercased()
    guard !Self.otherImageSuffixes.contains(where: lowercase.hasSuffix) else {
      throw Failure(
        .dataRefused, "UnsupportedFormat", displayPath,
        "of image files, only PNG and JPEG are supported")
    }
    return Image.fileSuffixes.contains(where: lowercase.hasSuffix)
  }

  private static let otherImageSuffixes = [
    ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm",
  ]

  /// Takes an array `[N, H, W, C]`.
  private init(_ array: NPYReader, name: String, path: String) throws(Failure) {
    let shape = array.shape
    guard array.type == .uint8, shape.count == 4, [1, 3].contains(shape[3]) else {
      throw Failure(
        .dataRefused, "NotImages", path,
        "\(array.type) \(shape), expected uint8 [N, H, W, C] with C 1 or 3")
    }
    let (height, width, channels) = (shape[1], shape[2], shape[3])
    try ImageLimits.check(width: width, height: height, subject: path)
    guard shape[0] > 0, width > 0, height > 0 else {
      throw Failure(.inputMissing, "NoImages", path, "\(name) of shape \(shape)")
    }
    count = shape[0]
    description =
      "\(name) of \(count) images, \(width) x \(height), \(channels == 1 ? "grey" : "RGB")"
    storage = .array(array, width: width, height: height, channels: channels)
  }

  private init(idx bytes: [UInt8], path: String) throws(Failure) {
    guard bytes.count >= 16, bytes.starts(with: [0, 0, 8, 3]) else {
      throw Failure(
        .dataRefused, "NotImages", path, "expected an IDX file of unsigned bytes [N, H, W]")
    }
    let shape = stride(from: 4, to: 16, by: 4).map { start in
      bytes[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
    }
    try ImageLimits.check(width: shape[2], height: shape[1], subject: path)
    // 32 bits, and at most ImageLimits.pixels: the product does not overflow.
    guard shape[0] * (shape[1] * shape[2]) == bytes.count - 16 else {
      throw Failure(
        .dataRefused, "Truncated", path, "\(bytes.count - 16) bytes of pixels for \(shape)")
    }
    let array = NPYArray(bytes: Array(bytes[16...]), shape: shape + [1])
    try self.init(NPYReader(array), name: "IDX file", path: path)
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
    case .zip(let archive, let entries, let path):
      let entry = entries[index]
      return try Image(file: try archive.read(entry), subject: "\(path): \(entry.name)")
    case .array(let array, let width, let height, let channels):
      let size = height * width * channels
      return Image(
        width: width, height: height, channels: channels,
        pixels: try array.bytes(index * size..<(index + 1) * size))
    }
  }
}
