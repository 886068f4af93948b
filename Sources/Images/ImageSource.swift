import Checkpoints
import Files

/// A sequence of images in a fixed order, decoded on request: a folder or a zip file of image
/// files, an array of pixels in a `.npz`, `.npy` or IDX file, or batches of CIFAR. The type of a
/// file is determined by its content, except for the `.bin` files of CIFAR, whose content does not
/// identify them.
///
/// Images are read one at a time, so there may be more than memory can hold. The exceptions are
/// gzipped IDX files and arrays in Fortran order, which are held in memory and limited to 1 GiB. A
/// deflated array is inflated while it is read, for one caller at a time, and should be read in
/// order.
public struct ImageSource: Sendable, CustomStringConvertible {
  /// The number of images, at least one.
  public let count: Int
  /// A description for people, such as `folder of 5000 images`.
  public let description: String
  /// The number of other entries in the folder or zip file: files that are not images, hidden
  /// files, and folders whose content is not listed.
  public let ignored: Int
  /// The class of each image, if the input provides it: in a `dataset.json` in a zip file or a
  /// folder, as StyleGAN and EDM write it; in the labels of CIFAR; or in an integer array `arr_1`
  /// or `labels`, `[N]`, beside `arr_0`.
  public let labels: [Int]?
  /// The width and height of all images in pixels, if known without decoding any.
  public let size: (width: Int, height: Int)?
  /// Why images were left out that could not be decoded, in their order; see ``withoutBroken()``.
  public let leftOut: [Failure]
  let storage: Storage

  /// The kinds of containers of images.
  public enum Container: String, Sendable {
    /// Files in a folder.
    case folder
    /// Files in a zip archive.
    case zip
    /// An array of pixels in one file.
    case array
  }

  /// The kind of container of these images.
  public var container: Container {
    switch storage {
    case .folder: .folder
    case .zip: .zip
    case .array: .array
    case .batches(let batches): batches.count == 1 ? .array : .folder
    }
  }

  enum Storage: Sendable {
    /// The names of the image files, sorted by their bytes.
    case folder(Folder, [[UInt8]])
    /// The indices of the entries that are image files, sorted by the bytes of their names.
    case zip(ZipArchive, [Int], path: String)
    /// Images of one size, one after the other.
    case array(NPYReader, width: Int, height: Int, channels: Int)
    case batches([CIFARBatch])
  }

  init(
    count: Int, description: String, ignored: Int = 0, labels: [Int]? = nil,
    size: (width: Int, height: Int)? = nil, leftOut: [Failure] = [], storage: Storage
  ) {
    self.count = count
    self.description = description
    self.ignored = ignored
    self.labels = labels
    self.size = size
    self.leftOut = leftOut
    self.storage = storage
  }

  /// Opens a folder or a file.
  ///
  /// - In a folder, the images are the files ending in `.png`, `.jpg`, `.jpeg`, `.webp`, `.bmp`,
  ///   `.ppm`, `.pgm`, `.pbm` or `.pnm`, in any letter case, sorted by the bytes of their names.
  ///   Image files of other formats are refused rather than omitted. All other entries are ignored,
  ///   as are those whose names begin with a dot.
  /// - A zip file is read like a folder, including the folders inside it: the names are whole
  ///   paths.
  /// - `.npz`: the array `arr_0`, uint8 `[N, H, W, C]` with C 1 or 3, as ADM writes samples. Its
  ///   checksum is verified on opening, for which it is read completely.
  /// - `.npy`: an array of that kind.
  /// - IDX, also gzipped: uint8 `[N, H, W]`, the images of MNIST and Fashion-MNIST.
  /// - CIFAR-10 and CIFAR-100, the binary version (`.bin`) and the Python version: one file, or a
  ///   folder without images, whose files `data_batch_*` are taken in the order of the bytes of
  ///   their names. Pickles are read without executing anything.
  ///
  /// - Parameters:
  ///   - path: The folder or file.
  ///   - recursive: Whether to also read the folders inside a folder, in the order of the bytes of
  ///     the relative paths. Links to folders are followed, and no folder is read twice. If nil,
  ///     these folders are not read, and a folder that contains images is refused if they contain
  ///     further images.
  /// - Throws: ``Failure`` `NoImages` (66) if there are none. ``Failure`` (65) `UnsupportedFormat`
  ///   for other formats; `NotImages` for arrays or batches of a different kind; `ImagesInside` if
  ///   `recursive` is nil and folders inside contain images; `ImageLimit` if images or files are
  ///   too large; `Truncated`, `GzipLimit` or `GzipMalformed` for damaged IDX files; `LabelsLimit`,
  ///   `LabelsMalformed` or `LabelsMismatch` for an invalid `dataset.json`. Otherwise the failure
  ///   of reading `path`.
  public init(path: String, recursive: Bool? = nil) throws(Failure) {
    let file: ReadableFile
    do {
      file = try ReadableFile(path: path)
    } catch let failure where failure.code == .notARegularFile {
      try self.init(try Folder(path: path, recursive: recursive ?? false), recursive: recursive)
      return
    }
    let foreign = try ForeignContent(file)
    let expected =
      "a folder or a zip file of PNG, JPEG, WebP, BMP or PPM files, an npz or npy file of images, an "
      + "IDX file (MNIST), gzipped or not, or a batch of CIFAR"
    switch try file.bytes(at: 0, count: min(file.size, 4)) {
    case Array("PK\u{3}\u{4}".utf8):
      let archive = try ZipArchive(file)
      // An archive that contains arrays counts as an archive of arrays, whatever else it contains.
      if archive.entries.contains(where: { $0.name.hasSuffix(".npy") || $0.name == "arr_0" }) {
        try self.init(try NPZ(archive), path: path)
      } else {
        try self.init(archive, path: path)
      }
    case [0x93] + Array("NUM".utf8):
      try self.init(try NPYReader(path: path), name: "npy file", path: path)
    case _ where path.utf8.suffix(4).elementsEqual(".bin".utf8):
      self.init([try CIFARBatch(binary: file)], name: "CIFAR batch")
    case let start where start.starts(with: [0x1F, 0x8B]):
      try ImageLimits.check(fileSize: file.size, subject: path)
      let content = try gunzipped(try file.bytes(at: 0, count: file.size), subject: path)
      guard content.starts(with: [0, 0, 8, 3]) else {
        throw (foreign ?? .compressed("gunzip")).failure(path, .notImages, expected: expected)
      }
      try self.init(idx: content, path: path)
    case [0, 0, 8, 3]:
      try self.init(idx: file)
    case let start where PickledValue.hasSignature(start):
      self.init([try CIFARBatch(pickle: file)], name: "CIFAR batch")
    default:
      throw foreign?.failure(path, .unsupportedFormat, expected: expected)
        ?? Failure(.dataRefused, .unsupportedFormat, path, "expected \(expected)")
    }
  }

  /// The distance from the requested file to the one that is read ahead into the system's cache.
  private static let filesAhead = 16

  /// Reads and decodes one image.
  ///
  /// - Parameter index: A number from 0 to ``count`` - 1.
  /// - Throws: ``Failure`` `InputChanged` (65) if a file that the folder listed no longer exists,
  ///   or the failure of reading or decoding the image.
  public func image(at index: Int) throws(Failure) -> Image {
    switch storage {
    case .folder(let folder, let names):
      let file: ReadableFile
      do {
        file = try folder.open(names[index])
      } catch let failure where failure.status == .inputMissing {
        throw Failure(
          .dataRefused, .inputChanged, failure.subject,
          "the folder lists it, but it is gone or a broken link")
      }
      try ImageLimits.check(fileSize: file.size, subject: file.path)
      let bytes = try file.bytes(at: 0, count: file.size)
      // The disk reads the files to come while this one is decoded. The system reads ahead within a
      // single large file on its own.
      if index + Self.filesAhead < count {
        try? folder.open(names[index + Self.filesAhead]).prefetch()
      }
      return try Image(file: bytes, subject: file.path)
    case .zip(let archive, let indices, let path):
      let entry = archive.entries[indices[index]]
      let subject = "\(path): \(entry.name)"
      try ImageLimits.check(fileSize: entry.size, subject: subject)
      return try Image(file: try archive.read(entry), subject: subject)
    case .array(let array, let width, let height, let channels):
      let size = height * width * channels
      return Image(
        width: width, height: height, channels: channels,
        pixels: try array.bytes(index * size..<(index + 1) * size))
    case .batches(let batches):
      var rest = index
      for batch in batches {
        if rest < batch.count { return try batch.image(at: rest) }
        rest -= batch.count
      }
      preconditionFailure("image \(index) of \(count)")
    }
  }
}
