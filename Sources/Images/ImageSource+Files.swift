import Checkpoints
import Files

/// Folders and zip files.
extension ImageSource {
  init(_ folder: Folder, recursive: Bool?) throws(Failure) {
    var images: [[UInt8]] = []
    if let found = folder.names.first(where: UnfinishedFolder.isMark) {
      throw Failure(
        .dataRefused, .imagesUnfinished, folder.displayPath(of: found),
        "the process that writes these images has not finished, or failed; let it write them again, or "
          + "remove this file to read those that are there")
    }
    for name in folder.names {
      if try Self.isImage(name, displayPath: folder.displayPath(of: name)) { images.append(name) }
    }
    guard !images.isEmpty else {
      try self.init(batchesIn: folder, recursive: recursive)
      return
    }
    if recursive == nil { try Self.checkInside(folder, images.count) }
    var (labels, ignored): ([Int]?, Int) = (nil, folder.names.count - images.count)
    if folder.names.contains(DatasetLabels.name) {
      let file = try folder.open(DatasetLabels.name)
      try Self.checkLabelsSize(file.size, subject: file.path)
      labels = try DatasetLabels.parse(
        try file.bytes(at: 0, count: file.size), names: images, subject: file.path)
      ignored -= 1
    }
    self.init(
      count: images.count, description: "folder of \(images.count) images", ignored: ignored,
      labels: labels, storage: .folder(folder, images))
  }

  /// Opens a folder without images as a folder of CIFAR batches.
  private init(batchesIn folder: Folder, recursive: Bool?) throws(Failure) {
    let names = folder.names.filter(CIFARBatch.isTrainingBatch)
    guard !names.isEmpty else {
      let inside = recursive == true ? nil : try? Self.imagesInside(folder.path)
      throw Failure(
        .inputMissing, .noImages, folder.path,
        "no file here \(Self.endsAsImages)"
          + (inside.map { "; there are \($0), which `recursive: true` reads" } ?? ""))
    }
    let binary = names.filter { $0.last == UInt8(ascii: "n") }
    guard binary.isEmpty || binary.count == names.count else {
      throw Failure(
        .dataRefused, .notImages, folder.path,
        "CIFAR batches of both the binary and the Python version, expected only one of them")
    }
    let batches = try names.map { (name) throws(Failure) in
      let file = try folder.open(name)
      return try binary.isEmpty ? CIFARBatch(pickle: file) : CIFARBatch(binary: file)
    }
    if recursive == nil { try Self.checkInside(folder, batches.reduce(0) { $0 + $1.count }) }
    self.init(
      batches, name: "folder of \(batches.count) CIFAR batches",
      ignored: folder.names.count - names.count)
  }

  /// The number of images in the folders inside a folder, determined from their names.
  public struct Inside: Sendable, CustomStringConvertible {
    /// The number of images.
    public let images: Int
    /// The number of folders that contain them.
    public let folders: Int

    /// The two numbers, in words for people.
    public var description: String {
      "\(images) image\(images == 1 ? "" : "s") in \(folders) folder\(folders == 1 ? "" : "s") inside"
    }
  }

  /// Counts the images that only a recursive search of a folder finds. Images in hidden folders are
  /// not counted.
  ///
  /// - Parameter path: The folder.
  /// - Returns: The counts, or nil if there are no such images.
  /// - Throws: ``Failure`` `NotAFolder` (65) if `path` is not a folder, or the failure of the
  ///   system call, such as `NotFound` (66), if a folder cannot be listed.
  public static func imagesInside(_ path: String) throws(Failure) -> Inside? {
    let separator = UInt8(ascii: "/")
    let names = try Folder(path: path, recursive: true).names.filter { name in
      name.contains(separator) && hasImageSuffix(name)
    }
    let folders = Set(names.map { $0[..<($0.lastIndex(of: separator) ?? 0)] })
    return names.isEmpty ? nil : Inside(images: names.count, folders: folders.count)
  }

  /// Refuses a folder of `count` images if the folders inside it contain further images.
  ///
  /// - Throws: ``Failure`` `ImagesInside` (65), or the failure of listing the folders.
  private static func checkInside(_ folder: Folder, _ count: Int) throws(Failure) {
    let inside: Inside?
    do {
      inside = try imagesInside(folder.path)
    } catch {
      throw Failure(
        error.status, error.code, error.subject,
        "\(error.detail); `recursive: false` leaves the folders inside out")
    }
    guard let inside else { return }
    throw Failure(
      .dataRefused, .imagesInside, folder.path,
      "\(count) image\(count == 1 ? "" : "s") here and \(inside); `recursive: true` reads all "
        + "\(count + inside.images), `recursive: false` the \(count)")
  }

  init(_ batches: [CIFARBatch], name: String, ignored: Int = 0) {
    let labels = batches.flatMap(\.labels)
    let side = CIFARBatch.side
    self.init(
      count: labels.count, description: "\(name), \(labels.count) images, \(side) x \(side), RGB",
      ignored: ignored, labels: labels, size: (side, side), storage: .batches(batches))
  }

  init(_ archive: ZipArchive, path: String) throws(Failure) {
    var names: [(name: [UInt8], index: Int)] = []
    var ignored = 0
    for (index, entry) in archive.entries.enumerated() {
      let name = Array(entry.name.utf8)
      if try Self.isImage(name, displayPath: "\(path): \(entry.name)") {
        names.append((name, index))
      } else if name.last != UInt8(ascii: "/"), name != DatasetLabels.name {
        ignored += 1
      }
    }
    guard !names.isEmpty else {
      throw Failure(
        .inputMissing, .noImages, path,
        "neither an array arr_0 nor an entry with the suffix of an image")
    }
    names.sort { $0.name.lexicographicallyPrecedes($1.name) }
    var labels: [Int]?
    if let entry = archive["dataset.json"] {
      let subject = "\(path): \(entry.name)"
      try Self.checkLabelsSize(entry.size, subject: subject)
      labels = try DatasetLabels.parse(
        try archive.read(entry), names: names.map(\.name), subject: subject)
    }
    self.init(
      count: names.count, description: "zip file of \(names.count) images", ignored: ignored,
      labels: labels, storage: .zip(archive, names.map(\.index), path: path))
  }

  private static func checkLabelsSize(_ size: Int, subject: String) throws(Failure) {
    guard size <= DatasetLabels.maximumSize else {
      throw Failure(
        .dataRefused, .labelsLimit, subject,
        "\(size) bytes, at most \(DatasetLabels.maximumSize) are read")
    }
  }

  /// Returns whether `name` is that of an image file. Hidden files and files in hidden folders are
  /// not images: macOS leaves a file `._name.png` beside an image.
  ///
  /// - Throws: ``Failure`` `UnsupportedFormat` (65) for image files of other formats.
  private static func isImage(_ name: [UInt8], displayPath: String) throws(Failure) -> Bool {
    let dot = UInt8(ascii: ".")
    guard !name.split(separator: UInt8(ascii: "/")).contains(where: { $0.first == dot }) else {
      return false
    }
    let lowercase = suffix(of: name)
    guard !Self.otherImageSuffixes.contains(lowercase) else {
      throw Failure(
        .dataRefused, .unsupportedFormat, displayPath,
        "of image files, PNG, JPEG, WebP, BMP, PBM, PGM and PPM are supported")
    }
    return Image.fileSuffixes.contains(lowercase)
  }

  /// Returns whether `name` has the suffix of an image file of any format and is not hidden.
  private static func hasImageSuffix(_ name: [UInt8]) -> Bool {
    let (separator, dot) = (UInt8(ascii: "/"), UInt8(ascii: "."))
    guard !name.split(separator: separator).contains(where: { $0.first == dot }) else {
      return false
    }
    let suffix = suffix(of: name)
    return Image.fileSuffixes.contains(suffix) || otherImageSuffixes.contains(suffix)
  }

  /// Returns the part of a name from its last dot on, in lower case.
  private static func suffix(of name: [UInt8]) -> String {
    name.lastIndex(of: UInt8(ascii: ".")).map {
      String(decoding: name[$0...], as: UTF8.self).lowercased()
    } ?? ""
  }

  private static let otherImageSuffixes: Set = [
    ".gif", ".tif", ".tiff", ".avif", ".heic", ".jxl", ".jp2", ".jfif",
  ]

  private static let endsAsImages = "ends in \(Image.fileSuffixes.joined(separator: ", "))"
}
