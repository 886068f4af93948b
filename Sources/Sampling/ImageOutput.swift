import Checkpoints
import Files
import Foundation
import Images

/// A writer of images, in a format determined by the path's extension. Only labels are kept in
/// memory.
///
/// - `.npz`: `arr_0`, uint8 `[N, H, W, 3]`, and with classes `arr_1`, int64 `[N]`, as ADM writes
///   samples; grey images are expanded to three channels.
/// - `.zip`: PNG files and `dataset.json`, as the tools of StyleGAN and EDM write data sets.
/// - Anything else: a folder of PNG files named by index. Until it is complete, it has the file
///   `.dis-eval-unfinished`, and is not read as images. A folder that a failed or killed process left with
///   that file is written again from the beginning.
public final class ImageOutput {
  private let path: String
  private let count: Int?
  /// Nil for a folder.
  private var archive: ZipWriter?
  /// Nil for an archive.
  private var folder: UnfinishedFolder?
  private var isNumPy: Bool { path.hasSuffix(".npz") }
  private var labels: [Int] = []
  private var written = 0
  /// The height and the width of all images.
  private var extents: (height: Int, width: Int)?

  /// Prepares the output, so that a path that cannot be written is refused before any work.
  ///
  /// - Parameters:
  ///   - path: A name that ends in `.npz` for an array, `.zip` for an archive of PNG files, or
  ///     otherwise that of a folder.
  ///   - count: The number of images; nil if unknown. An array needs it.
  /// - Throws: `Failure` `CountUnknown` (64) for a `.npz` without a count; (73) `NotEmpty` if the
  ///   folder is neither empty nor unfinished, `Busy` if a process writes images to it, or `CannotCreate` if
  ///   it or the file cannot be created.
  public init(path: String, count: Int?) throws {
    self.path = path
    self.count = count
    if path.hasSuffix(".npz"), count == nil {
      throw Failure(
        .usage, .countUnknown, path,
        "the header of an array needs the number of images, which depends on what is there; give a "
          + "folder or a .zip file")
    }
    if path.hasSuffix(".npz") || path.hasSuffix(".zip") {
      archive = try ZipWriter(path: path)
      return
    }
    folder = try UnfinishedFolder(path) { $0.wholeMatch(of: /[0-9]{6,}\.png/) != nil }
    try AtomicFile.check("\(path)/000000.png")
  }

  /// Adds the next image with its class.
  ///
  /// - Parameters:
  ///   - image: `[H, W, C]`, with the extents of the other images.
  ///   - label: The number of the class, from 0; nil for a model without classes.
  /// - Throws: `Failure` `InputChanged` (65) if an array gets more images than announced or the extents
  ///   differ, or the error that encoding or writing the image throws.
  public func append(_ image: Image, label: Int?) throws {
    let (height, width) = extents ?? (image.height, image.width)
    guard image.height == height, image.width == width else {
      throw Failure(
        .dataRefused, .inputChanged, path,
        "image \(written) has \(image.width) x \(image.height) pixels, those before it \(width) x \(height)"
      )
    }
    extents = (height, width)
    if archive == nil {
      let name = zeroPadded(String(written), to: 6)
      try AtomicFile.write(try PNG.encode(image), to: "\(path)/\(name).png")
    } else if isNumPy {
      guard let count, written < count else { throw changed(written + 1) }
      if written == 0 { try beginArray([count, image.height, image.width, 3]) }
      try archive?.write(
        image.channels == 3 ? image.pixels : image.pixels.flatMap { [$0, $0, $0] })
    } else {
      try archive?.add(Self.entryName(written), try PNG.encode(image))
    }
    if let label { labels.append(label) }
    written += 1
  }

  /// Completes the output. Without this call an archive is never created, and a folder remains unfinished.
  ///
  /// - Throws: `Failure` `InputChanged` (65) if an array got fewer images than announced, or the
  ///   error that writing the file throws.
  public func finish() throws {
    guard archive != nil else {
      try folder?.finish()
      return
    }
    if isNumPy, written != count { throw changed(written) }
    let hasLabels = labels.count == written
    if !isNumPy {
      try archive?.add("dataset.json", Array(dataset(hasLabels ? labels : nil).utf8))
    } else if hasLabels {
      let labels = NPYArray(integers: labels.map(Int64.init), shape: [written])
      try archive?.add("arr_1.npy", labels.serialized())
    }
    try archive?.commit()
  }

  /// Returns the failure for a run that grew while it was merged.
  private func changed(_ found: Int) -> Failure {
    Failure(
      .dataRefused, .inputChanged, path,
      "found \(found) images, expected \(count ?? 0); run the command again")
  }

  private func beginArray(_ shape: [Int]) throws(Failure) {
    let header = NPYArray.header(ofBytes: shape)
    try archive?.begin("arr_0.npy", size: shape.reduce(1, *) + header.count)
    try archive?.write(header)
  }

  /// Returns the contents of `dataset.json`. The names need no escaping.
  private func dataset(_ labels: [Int]?) -> String {
    let entries = labels?.enumerated().map { "[\"\(Self.entryName($0))\", \($1)]" }
    return "{\"labels\": \(entries.map { "[\($0.joined(separator: ", "))]" } ?? "null")}"
  }

  /// Returns the name that EDM's `dataset_tool.py` uses, with a thousand images per folder.
  private static func entryName(_ index: Int) -> String {
    let digits = zeroPadded(String(index), to: 8)
    return "\(digits.prefix(5))/img\(digits).png"
  }
}
