import Files
import Images

/// A contact sheet of samples: for a model with classes, a row of ten samples for each of the first
/// ten classes; otherwise the first hundred samples.
public struct SampleGrid {
  private static let side = 10
  private let classCount: Int?
  private var rows: [[Image]]

  /// Creates an empty sheet.
  ///
  /// - Parameter classCount: The number of classes of the model; nil for an unconditional one.
  public init(classCount: Int?) {
    self.classCount = classCount
    rows = Array(repeating: [], count: min(classCount ?? Self.side, Self.side))
  }

  /// Adds an image, if there is room for it.
  ///
  /// - Parameters:
  ///   - image: `[H, W, C]`, with the extents of the other images.
  ///   - label: The number of the class, from 0, which determines the row; ignored for a model
  ///     without classes.
  public mutating func append(_ image: Image, label: Int?) {
    let row =
      classCount == nil ? rows.firstIndex { $0.count < Self.side } : label
    guard let row, rows.indices.contains(row), rows[row].count < Self.side else { return }
    rows[row].append(image)
  }

  /// Writes the sheet as PNG, or nothing if there are no images.
  ///
  /// - Throws: `Failure` `PNGMalformed` (65) if encoding fails, `CannotCreate` (73) if the file
  ///   cannot be created, or `DiskFull` or `InputOutput` (74) if writing fails.
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
