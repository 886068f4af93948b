import Files
import Images

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
