import Checkpoints
import Files
import Foundation
import Images

/// Where images go: a folder of PNG files named by index, or one `.npz` with `arr_0`, uint8
/// `[N, H, W, C]`, as ADM writes samples.
public struct ImageOutput {
  private let path: String
  private var isArchive: Bool { path.hasSuffix(".npz") }
  private var pixels: [UInt8] = []
  private var first: Image?
  private var count = 0

  /// Prepares the output, so that one that cannot be written is refused before any work.
  ///
  /// - Throws: ``Failure`` (73) when the folder cannot be made or has something in it, or the file
  ///   cannot be created.
  public init(path: String) throws {
    self.path = path
    if isArchive {
      try AtomicFile.check(path)
      return
    }
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      let existing = try FileManager.default.contentsOfDirectory(atPath: path)
      guard existing.isEmpty else {
        throw Failure(
          .cannotCreate, "NotEmpty", path,
          "the folder has \(existing.count) entries; give a new or an empty one")
      }
      try AtomicFile.check("\(path)/000000.png")
    } catch let error as CocoaError {
      throw Failure(
        .cannotCreate, "CannotCreate", path,
        "the folder cannot be made: \(error.localizedDescription)")
    }
  }

  /// Takes the next image.
  public mutating func append(_ image: Image) throws {
    if isArchive {
      first = first ?? image
      pixels += image.pixels
    } else {
      let digits = String(count)
      let name = String(repeating: "0", count: max(0, 6 - digits.count)) + digits
      try AtomicFile.write(try PNG.encode(image), to: "\(path)/\(name).png")
    }
    count += 1
  }

  /// Writes what is still in memory.
  public func finish() throws {
    guard isArchive, let first else { return }
    let shape = [count, first.height, first.width, first.channels]
    try NPZ.write([("arr_0", NPYArray(bytes: pixels, shape: shape))], to: path)
  }
}

/// A contact sheet of samples: with classes, ten samples of each of the first ten classes in rows;
/// without, the first hundred.
public struct SampleGrid {
  private static let side = 10
  private let classCount: Int?
  private var rows: [[Image]]

  /// An empty sheet for a model of `classCount` classes, nil for an unconditional one.
  public init(classCount: Int?) {
    self.classCount = classCount
    rows = Array(repeating: [], count: min(classCount ?? Self.side, Self.side))
  }

  /// Keeps the image if there is still room for it.
  public mutating func append(_ image: Image, label: Int?) {
    let row =
      classCount == nil ? rows.firstIndex { $0.count < Self.side } : label
    guard let row, rows.indices.contains(row), rows[row].count < Self.side else { return }
    rows[row].append(image)
  }

  /// Writes the sheet as PNG; nothing when there was no image.
  public func write(to path: String) throws {
    guard let tile = rows.joined().first else { return }
    let blank = Image(
      width: tile.width, height: tile.height, channels: tile.channels,
      pixels: [UInt8](repeating: 0, count: tile.pixels.count))
    let tiles = rows.flatMap { row in
      row + Array(repeating: blank, count: Self.side - row.count)
    }
    try AtomicFile.write(try PNG.encode(imageGrid(tiles, columns: Self.side)), to: path)
  }
}
