import Checkpoints
import Files

/// Images in a fixed order, decoded when asked for: a folder or a zip file of image files, an array
/// of pixels in a `.npz`, `.npy` or IDX file, or batches of CIFAR. What a file is, its content says,
/// not its name, but for CIFAR's `.bin` files, which do not say it.
///
/// Images are read one at a time, so that there may be more than memory holds, but for gzipped IDX
/// files and arrays in Fortran order, at most 1 GiB of which are held as a whole. A deflated array
/// is inflated as it is read, on behalf of one caller at a time, and should be read in order.
public struct ImageSource: Sendable, CustomStringConvertible {
  /// How many images there are; at least one.
  public let count: Int
  /// What was found, for people: `folder of 5000 images`.
  public let description: String
  /// How many other entries the folder or zip file has: files that are no images, hidden ones, and
  /// folders whose content is not listed.
  public let ignored: Int
  /// The class of each image, where the input says it: `dataset.json` in a zip file or a folder, as
  /// StyleGAN and EDM have it, the labels of CIFAR, an array `arr_1` or `labels` of integers `[N]`
  /// beside `arr_0`.
  public let labels: [Int]?
  /// The extents of all images, where they are known without decoding any.
  public let size: (width: Int, height: Int)?
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
    case .batches(let batches): batches.count == 1 ? .array : .folder
    }
  }

  enum Storage: Sendable {
    /// The names of the image files, sorted by their bytes.
    case folder(Folder, [[UInt8]])
    /// The entries that are image files, by their indices, sorted by the bytes of their names.
    case zip(ZipArchive, [Int], path: String)
    /// Images of one size, one after the other.
    case array(NPYReader, width: Int, height: Int, channels: Int)
    case batches([CIFARBatch])
  }

  init(
    count: Int, description: String, ignored: Int = 0, labels: [Int]? = nil,
    size: (width: Int, height: Int)? = nil, storage: Storage
  ) {
    self.count = count
    self.description = description
    self.ignored = ignored
    self.labels = labels
    self.size = size
    self.storage = storage
  }

  /// Opens a folder or a file.
  ///
  /// - In a folder, the files ending in `.png`, `.jpg`, `.jpeg`, `.webp`, `.bmp`, `.ppm`, `.pgm`,
  ///   `.pbm` or `.pnm` in any letter case are the images, sorted by the bytes of their names. Image
  ///   files of other formats are refused rather than left out; all other entries are ignored, and
  ///   those whose names begin with a dot.
  /// - A zip file is read like a folder, with the folders inside it: the names are whole paths.
  /// - `.npz`: the array `arr_0`, uint8 `[N, H, W, C]` with `C` 1 or 3, as ADM writes samples. Its
  ///   checksum is verified here, for which all of it is read once.
  /// - `.npy`: an array of that kind.
  /// - IDX, also gzipped: uint8 `[N, H, W]`, the images of MNIST and Fashion-MNIST.
  /// - CIFAR-10 and CIFAR-100, the binary version (`.bin`) and the Python version: one file, or a
  ///   folder without images whose files `data_batch_*` are taken in the order of their names'
  ///   bytes. Pickles are read without executing anything.
  ///
  /// - Parameter recursive: Whether to read the folders inside a folder as well; the order is then
  ///   that of the relative paths' bytes. Links to folders are followed, no folder is read twice. If
  ///   nil, they are not read, and a folder of images with more images in the folders inside is refused.
  /// - Throws: ``Failure`` `UnsupportedFormat`, `NoImages` (status `inputMissing`), `ImagesInside`,
  ///   `NotImages`, `ImageLimit`, `LabelsMalformed`, `LabelsMismatch`, or the failure of reading
  ///   `path`.
  public init(path: String, recursive: Bool? = nil) throws(Failure) {
    let file: ReadableFile
    do {
      file = try ReadableFile(path: path)
    } catch let failure where failure.code == "NotARegularFile" {
      try self.init(try Folder(path: path, recursive: recursive ?? false), recursive: recursive)
      return
    }
    switch try file.bytes(at: 0, count: min(file.size, 4)) {
    case Array("PK\u{3}\u{4}".utf8):
      let archive = try ZipArchive(file)
      // An archive with arrays is one of arrays, whatever else is in it.
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
      try self.init(idx: content, path: path)
    case [0, 0, 8, 3]:
      try self.init(idx: file)
    case let start where PickledValue.hasSignature(start):
      self.init([try CIFARBatch(pickle: file)], name: "CIFAR batch")
    default:
      throw Failure(.dataRefused, "UnsupportedFormat", path, "neither \(Self.supportedFormats)")
    }
  }

  /// How many files ahead of the one that is asked for is read into the system's cache.
  private static let filesAhead = 16

  private static let supportedFormats =
    "a folder nor a zip file of PNG, JPEG, WebP, BMP or PPM files, nor an npz or npy file of "
    + "images, nor an IDX file (MNIST), gzipped or not, nor a batch of CIFAR"

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
      try ImageLimits.check(fileSize: file.size, subject: file.path)
      let bytes = try file.bytes(at: 0, count: file.size)
      // A disk reads the files to come while this one is decoded; one large file it reads ahead by
      // itself.
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
